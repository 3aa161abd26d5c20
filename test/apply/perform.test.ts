import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { perform } from '../../src/apply/perform.ts';
import type { World } from '../../src/apply/world.ts';
import type { Operation } from '../../src/plan/operation.ts';
import type { Host, RunOptions } from '../../src/ssh/host.ts';
import { fakeWorld, fresh } from './fake-world.ts';

interface Ran {
  host: string;
  argv: readonly string[];
  stdin: RunOptions['stdin'];
}

function recording(
  reply: (host: string, argv: readonly string[]) => { exitCode?: number; stdout?: string; stderr?: string },
) {
  const durable = fresh();
  const ran: Ran[] = [];
  const hosts = (name: string): Host => ({
    name,
    async run(argv, options) {
      ran.push({ host: name, argv, stdin: options?.stdin });
      const { exitCode = 0, stdout = '', stderr = '' } = reply(name, argv);
      return { exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) };
    },
  });
  const calls: unknown[] = [];
  const cluster: World['cluster'] = {
    get: async (path) => ({ status: path.endsWith('current') ? 'running' : undefined }),
    async call(...parts) {
      calls.push(parts);
      return 'UPID:prom:0001';
    },
    async waitForTask(...parts) {
      calls.push(parts);
    },
  };
  const { world, events } = fakeWorld(durable, undefined, { hosts, cluster });
  return { durable, ran, calls, world, events };
}

const secretRun: Operation = {
  kind: 'run',
  host: 'doc2',
  argv: ['podman', 'create', '--env-file', '/dev/stdin', 'web'],
  stdin: { host: 'doc1', argv: ['podman', 'inspect', 'web'], shownAs: 'environment of web' },
  what: 'make web',
};

describe('an operation', () => {
  test('has its intent in the journal before, and its outcome after', async () => {
    const { world, durable } = recording(() => {
      expect(durable.journal.map(({ kind }) => kind)).toEqual(['intent']);
      return {};
    });
    await perform({ kind: 'run', host: 'doc1', argv: ['true'], what: 'x' }, world, 'step');
    expect(durable.journal.map(({ kind }) => kind)).toEqual(['intent', 'outcome']);
    expect(durable.journal[1]).toMatchObject({ ok: true, id: 1 });
  });

  test('whose outcome is already there is not performed, and its guards are not looked at', async () => {
    const there = (argv: string[]) => ({
      kind: 'run' as const,
      host: 'prom',
      argv,
      expect: { exitCode: 0 },
      what: 'x',
    });
    const operation: Operation = {
      kind: 'run',
      host: 'prom',
      argv: ['make'],
      guards: [there(['guard'])],
      unless: [there(['look'])],
      what: 'x',
    };
    const done = recording((_host, argv) => ({ exitCode: argv[0] === 'guard' ? 1 : 0 }));
    await perform(operation, done.world, 'step');
    expect(done.ran.map(({ argv }) => argv[0])).toEqual(['look']);
    expect(done.durable.journal).toEqual([]);
    const open = recording((_host, argv) => ({ exitCode: argv[0] === 'look' ? 1 : 0 }));
    await perform(operation, open.world, 'step');
    expect(open.ran.map(({ argv }) => argv[0])).toEqual(['look', 'guard', 'make']);
  });

  test('whose guard does not hold is neither performed nor journaled', async () => {
    const { world, ran, durable } = recording((_host, argv) => ({
      exitCode: argv[0] === 'mountpoint' ? 32 : 0,
    }));
    const guards = [
      {
        kind: 'run' as const,
        host: 'prom',
        argv: ['mountpoint', '-q', '/share'],
        expect: { exitCode: 0 },
        what: '/share is mounted',
      },
    ];
    await expect(
      perform(
        { kind: 'run', host: 'prom', argv: ['mkdir', '/share/x'], guards, what: 'make it' },
        world,
        'step',
      ),
    ).rejects.toMatchObject({
      code: 'apply/guard',
      exit: 5,
      seen: expect.stringContaining('/share is mounted'),
      next: ['drayage status', 'drayage plan'],
    });
    expect(ran).toHaveLength(1);
    expect(durable.journal).toEqual([]);
  });

  test('that fails leaves its exit code and what was said, and fails the step', async () => {
    const { world, durable } = recording(() => ({ exitCode: 3, stderr: 'no such thing' }));
    await expect(
      perform({ kind: 'run', host: 'doc1', argv: ['a', 'b'], what: 'x' }, world, 'step'),
    ).rejects.toMatchObject({
      code: 'apply/command-failed',
      seen: 'doc1: a b: exit code 3: no such thing',
    });
    expect(durable.journal[1]).toMatchObject({ ok: false, error: { code: 'apply/command-failed' } });
  });

  test('whose outcome is already there counts as done', async () => {
    const { world } = recording(() => ({ exitCode: 5 }));
    await perform(
      { kind: 'run', host: 'doc1', argv: ['systemctl', 'stop', 'x'], okExitCodes: [5], what: 'x' },
      world,
      'step',
    );
  });

  test('that calls the API waits for the task', async () => {
    const { world, calls } = recording(() => ({}));
    await perform(
      {
        kind: 'call',
        method: 'POST',
        path: '/nodes/prom/qemu/114/status/start',
        params: {},
        timeoutSeconds: 7,
        what: 'start',
      },
      world,
      's',
    );
    expect(calls).toEqual([
      ['POST', '/nodes/prom/qemu/114/status/start', {}],
      ['UPID:prom:0001', { timeoutSeconds: 7, signal: world.stop }],
    ]);
  });
});

describe('a secret', () => {
  test('goes from one host to the other, and into no journal, event or argument', async () => {
    const { world, ran, durable, events } = recording((host) => ({
      stdout: host === 'doc1' ? 'PASSWORD=hunter2' : '',
    }));
    await perform(secretRun, world, 'step');
    expect(ran[1]).toMatchObject({ host: 'doc2', stdin: Buffer.from('PASSWORD=hunter2') });
    expect(JSON.stringify([durable.journal, events, ran.map(({ argv }) => argv)])).not.toContain('hunter2');
  });

  test('that the command repeats when it fails is not shown', async () => {
    const { world, durable } = recording((host) =>
      host === 'doc1'
        ? { stdout: 'PASSWORD=hunter2' }
        : { exitCode: 1, stderr: 'bad line: PASSWORD=hunter2' },
    );
    const error = await perform(secretRun, world, 'step').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'apply/command-failed' });
    expect(JSON.stringify([durable.journal, error, (error as Error).message])).not.toContain('hunter2');
  });

  test('that cannot be read keeps the command from being run', async () => {
    const { world, ran } = recording((host) => ({ exitCode: host === 'doc1' ? 125 : 0 }));
    await expect(perform(secretRun, world, 'step')).rejects.toMatchObject({ code: 'apply/no-secret' });
    expect(ran.every(({ host }) => host === 'doc1')).toBe(true);
  });
});

describe('a file', () => {
  const text = '[Container]\n';
  const carried: Operation = {
    kind: 'write',
    host: 'doc2',
    path: '/etc/containers/systemd/web.container',
    content: {
      from: { host: 'doc1', path: '/etc/containers/systemd/web.container' },
      sha256: createHash('sha256').update(text).digest('hex'),
    },
    mode: '0644',
    owner: { uid: 0, gid: 0 },
    what: 'carry web',
  };

  test('is carried byte by byte', async () => {
    const { world, ran } = recording((host) => ({ stdout: host === 'doc1' ? text : '' }));
    await perform(carried, world, 'step');
    expect(ran[1]).toMatchObject({ host: 'doc2', stdin: Buffer.from(text) });
    expect(ran[1]?.argv.slice(3)).toEqual([
      'sh',
      '/etc/containers/systemd/web.container',
      '0644',
      '0:0',
      '12',
    ]);
  });

  test('that has changed since the plan was made is not carried', async () => {
    const { world, ran } = recording(() => ({ stdout: 'other' }));
    await expect(perform(carried, world, 'step')).rejects.toMatchObject({
      code: 'apply/changed-meanwhile',
      exit: 10,
    });
    expect(ran).toHaveLength(1);
  });
});
