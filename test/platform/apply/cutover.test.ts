import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../../src/apply/events.ts';
import { openWorld } from '../../../src/apply/open-world.ts';
import { proveAgain } from '../../../src/apply/prove-again.ts';
import { applyPlan } from '../../../src/apply/run.ts';
import { openRun } from '../../../src/apply/run-folder.ts';
import { rsyncPart } from '../../../src/copy/bulk/part-command.ts';
import { tarStream } from '../../../src/copy/bulk/stream-command.ts';
import { rsyncList, rsyncPull } from '../../../src/copy/rsync-command.ts';
import type { Findings } from '../../../src/inspect/findings.ts';
import type { Check, Operation } from '../../../src/plan/operation.ts';
import type { Plan, Step } from '../../../src/plan/plan.ts';
import type { Host } from '../../../src/ssh/host.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import { type LoopMount, loopMount } from '../../support/loop-mount.ts';
import { changeTree } from '../../support/random-changes.ts';
import { makeTree } from '../../support/random-tree.ts';
import { startSshd, type TestSshd } from '../../support/sshd.ts';

let sshd: TestSshd;
let folder: string;
let hosts: (name: string) => Host;

beforeAll(async () => {
  sshd = await startSshd();
  folder = mkdtempSync(join(tmpdir(), 'drayage-cutover-'));
  writeFileSync(join(folder, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${sshd.configFile}' "$@"\n`);
  chmodSync(join(folder, 'ssh'), 0o755);
  hosts = (name) => {
    const here = controllerHost(name);
    return {
      name,
      run: (argv, options) => here.run(['env', `PATH=${folder}:${process.env.PATH}`, ...argv], options),
    };
  };
});
afterAll(async () => {
  await sshd?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

function planFor(source: string, share: string): Plan {
  const marker: Check = {
    kind: 'run',
    host: 'prom',
    argv: ['test', '-f', `${share}/.drayage/share.json`],
    expect: { exitCode: 0 },
    what: 'the marker',
  };
  const options = {
    sourceDestination: sshd.destination,
    sourcePath: source,
    targetPath: share,
    exclude: [],
    maxDelete: 1000,
    sudo: false,
    protectMarker: true,
    lock: `${share}.lock`,
    partialFolder: `${share}/.drayage/partial`,
  };
  const pass = (kind: 'seed' | 'final'): Operation => ({
    kind: 'copy',
    move: 'docker',
    pass: kind,
    host: 'prom',
    argv: rsyncPull({ ...options, delete: kind === 'final' }),
    ...(kind === 'seed'
      ? {
          partArgv: rsyncPart(options),
          streamArgv: tarStream(options),
          rounds: { most: 3, settled: 5, processes: 2 },
        }
      : {}),
    listArgv: rsyncList(options),
    source: { host: 'doc1', path: source },
    target: { path: share, topIsShare: true },
    exclude: [],
    maxShare: 0.25,
    maxDelete: 1000,
    guards: [marker],
    what: kind,
  });
  const compare = (scope: 'changed' | 'full'): Check => ({
    kind: 'compare',
    move: 'docker',
    source: { host: 'doc1', path: source },
    target: { host: 'prom', path: share },
    scope,
    exclude: [],
    ...(scope === 'full' ? { inside: { host: 'doc2', path: share, live: share } } : {}),
    what: scope,
  });
  const step = (id: string, stage: Step['stage'], rest: Partial<Step>): Step => ({
    id,
    phase: 'one',
    move: 'docker',
    stage,
    title: id,
    why: '',
    needs: [],
    probe: [],
    operations: [],
    proof: [],
    undo: [],
    ...rest,
  });
  return {
    format: 1,
    id: 'cafecafecafe',
    drayage: '0',
    phases: [{ name: 'one', moves: ['docker'] }],
    steps: [
      step('seed docker', 'seed', { operations: [pass('seed')] }),
      step('stop docker', 'cutover', {
        operations: [{ kind: 'run', host: 'doc1', argv: ['true'], what: 'stop' }],
        proof: [{ kind: 'quiet', host: 'doc1', path: source, what: 'quiet' }],
      }),
      step('final-pass docker', 'cutover', { operations: [pass('final')], proof: [compare('changed')] }),
      step('release docker', 'cutover', {
        operations: [{ kind: 'run', host: 'prom', argv: ['true'], what: 'release' }],
      }),
      step('prove docker', 'prove', {
        probe: [{ kind: 'evidence', move: 'docker', what: 'evidence' }],
        proof: [compare('full')],
      }),
    ],
    blockers: [],
    notes: [],
    estimates: {},
  };
}

const never = new AbortController().signal;

/** What a run needs to hear from the outside, and may be told wrongly. */
interface Outside {
  readonly atGate?: () => void;
  readonly hosts?: (name: string) => Host;
}

async function open(name: string, plan: Plan, outside: Outside) {
  // Each test has a state of its own.
  mkdirSync(join(folder, `state ${name}`), { recursive: true });
  const opened = await openRun(join(folder, `state ${name}`, 'drayage.yaml'), plan, {
    format: 1,
  } as Findings);
  const events: Event[] = [];
  const { world, compared } = openWorld({
    run: opened,
    plan,
    hosts: outside.hosts ?? hosts,
    cluster: {
      get: async () => undefined,
      call: async () => undefined,
      waitForTask: async () => undefined,
    },
    sink: (event) => events.push(event),
    finish: never,
    stop: never,
  });
  return { opened, events, world, compared };
}

async function run(name: string, plan: Plan, outside: Outside) {
  const { opened, events, world, compared } = await open(name, plan, outside);
  const result = await applyPlan({
    plan,
    world,
    gate: async () => {
      outside.atGate?.();
      return 'open';
    },
  });
  await opened.close();
  return { result, report: compared.get('docker'), run: opened, events };
}

function prepare(name: string, on: string, seed: number) {
  const source = join(on, `source ${name}`);
  const share = join(on, `share ${name}`);
  makeTree(source, seed);
  mkdirSync(join(share, '.drayage'), { recursive: true });
  writeFileSync(join(share, '.drayage/share.json'), '{}');
  return { source, share, plan: planFor(source, share) };
}

describe.each(['ext4', 'xfs', 'btrfs'] as const)('a tree in use on %s', (kind) => {
  let disk: LoopMount;
  beforeAll(() => {
    disk = loopMount(kind);
  });
  afterAll(() => disk?.unmount());

  test('is copied, carried over by the list of what changed, and proven', async () => {
    const { source, share, plan } = prepare(kind, disk.path, 11);
    const given = await run(kind, plan, { atGate: () => changeTree(source, 11) });
    expect(given.result.error).toBeUndefined();
    expect(given.result.exitCode).toBe(0);
    expect(given.report).toMatchObject({
      scope: 'full',
      differences: 0,
      attributesCompared: true,
      pass: { how: 'change-list', listed: expect.any(Number) },
      inside: { host: 'doc2', differing: [], unlike: [], touched: 0 },
    });
    expect(given.report?.inside?.entries).toBeGreaterThan(10);
    expect(given.run.marks.get().moves.docker?.evidence).toMatchObject({ run: given.run.name });
    expect(readdirSync(given.run.path).sort()).toEqual([
      'findings.json',
      'journal.jsonl',
      'manifest-docker-source.jsonl.gz',
      'manifest-docker-target.jsonl.gz',
      'plan.json',
    ]);
    expect(readdirSync(join(share, '.drayage'))).toContain('share.json');
    // What was kept for the rounds is not needed any more.
    expect(readdirSync(given.run.copies)).toEqual([]);
  });
});

test('a proof by sample reads so many files on both sides, and finds what one of them lost', async () => {
  const { source, share, plan } = prepare('sample', folder, 14);
  const proof = plan.steps.filter(({ stage }) => stage === 'prove');
  const sample = async (count: number) => {
    const { opened, world, compared } = await open('sample', plan, {});
    try {
      const seen = await proveAgain(proof, { ...world, sample: count });
      return { seen, report: compared.get('docker') };
    } finally {
      await opened.close();
    }
  };
  await expect(sample(3)).rejects.toMatchObject({
    code: 'apply/needs',
    next: ['drayage verify --move docker   # reads everything'],
  });
  writeFileSync(join(source, 'a single file'), 'as it was');
  expect((await run('sample', plan, {})).result.exitCode).toBe(0);
  const three = await sample(3);
  expect(three.seen).toBeUndefined();
  expect(three.report).toMatchObject({
    scope: 'sample',
    filesRead: 3,
    differences: 0,
    inside: { unlike: [] },
  });

  const file = join(share, 'a single file');
  const { atime, mtime } = statSync(file);
  writeFileSync(file, 'as it is!');
  utimesSync(file, atime, mtime);
  const all = await sample(10_000);
  expect(all.seen).toContain('a single file: content');
  expect(all.report?.differences).toBeGreaterThan(0);
});

describe('a clock that was set back by an hour before the window', () => {
  let disk: LoopMount;
  beforeAll(() => {
    disk = loopMount('ext4');
  });
  afterAll(() => disk?.unmount());

  test('everything is passed over, read, and comes out right, also what no time shows any more', async () => {
    const { source, plan } = prepare('clock', disk.path, 12);
    const hidden = join(source, 'hidden');
    writeFileSync(hidden, 'before');
    let back = 0;
    const setBack = (name: string): Host => ({
      name,
      async run(argv, options) {
        if (name !== 'doc1' || !argv.join(' ').includes('date +%s')) return hosts(name).run(argv, options);
        const result = await hosts(name).run(argv, options);
        const [seconds = '', ...rest] = result.stdout.toString().split('\n');
        return { ...result, stdout: Buffer.from([Number(seconds) - back, ...rest].join('\n')) };
      },
    });
    /** Of the same size and time, and with the ctime that the kernel would have given it by the clock that was set. */
    const changeUnseen = () => {
      const { atime, mtime } = statSync(hidden);
      writeFileSync(hidden, 'behind');
      utimesSync(hidden, atime, mtime);
      const hourAgo = new Date(Date.now() - 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14);
      const image = join(disk.path, '..', 'image');
      const name = hidden.slice(disk.path.length);
      execFileSync('umount', [disk.path]);
      execFileSync('debugfs', ['-w', '-R', `set_inode_field "${name}" ctime ${hourAgo}`, image], {
        stdio: 'pipe',
      });
      execFileSync('mount', ['-o', 'loop', image, disk.path]);
      expect(Date.now() - statSync(hidden).ctimeMs).toBeGreaterThan(3_500_000);
    };
    const given = await run('clock', plan, {
      hosts: setBack,
      atGate: () => {
        changeTree(source, 12);
        changeUnseen();
        back = 3600;
      },
    });
    expect(given.result.error).toBeUndefined();
    expect(given.report).toMatchObject({
      differences: 0,
      pass: { how: 'full-pass', because: 'the clock of doc1 was set since the copy before' },
    });
    expect(given.events).toContainEqual(
      expect.objectContaining({
        level: 'warning',
        text: expect.stringContaining('the clock of doc1 was set'),
      }),
    );
  });
});

test('a file that is changed behind the back of the final pass is found before the release', async () => {
  const { source, share, plan } = prepare('behind', folder, 13);
  const spoils = (name: string): Host => ({
    name,
    async run(argv, options) {
      const result = await hosts(name).run(argv, options);
      const last = argv.includes('--files-from=-') && windowIsOpen;
      if (last) writeFileSync(join(share, 'new file'), 'other');
      return result;
    },
  });
  let windowIsOpen = false;
  const given = await run('behind', plan, {
    hosts: spoils,
    atGate: () => {
      writeFileSync(join(source, 'new file'), 'right');
      windowIsOpen = true;
    },
  });
  expect(given.result).toMatchObject({
    exitCode: 7,
    error: { code: 'apply/difference', seen: expect.stringContaining('new file: content') },
  });
});
