import { describe, expect, test } from 'vitest';
import { firstNotHeld, holds } from '../../src/apply/check.ts';
import { sameClock } from '../../src/apply/clock.ts';
import { quietScript } from '../../src/apply/quiet.ts';
import type { World } from '../../src/apply/world.ts';
import { DrayageError } from '../../src/errors/error.ts';
import type { Check } from '../../src/plan/operation.ts';
import type { RunResult } from '../../src/ssh/host.ts';
import { fakeWorld, fresh } from './fake-world.ts';

function seeing(
  replies: (Partial<Record<'exitCode', number> & Record<'stdout' | 'stderr', string>> | Error)[],
  more: Partial<World> = {},
) {
  let next = 0;
  const hosts = (name: string) => ({
    name,
    async run(): Promise<RunResult> {
      const reply = replies[Math.min(next, replies.length - 1)];
      next += 1;
      if (reply instanceof Error) throw reply;
      return {
        exitCode: reply?.exitCode ?? 0,
        stdout: Buffer.from(reply?.stdout ?? ''),
        stderr: Buffer.from(reply?.stderr ?? ''),
      };
    },
  });
  return { world: fakeWorld(fresh(), undefined, { hosts, ...more }).world, looks: () => next };
}

const run = (more: Partial<Extract<Check, { kind: 'run' }>> = {}): Check => ({
  kind: 'run',
  host: 'doc1',
  argv: ['x'],
  expect: { exitCode: 0, stdout: 'active' },
  what: 'it is active',
  ...more,
});
const unreachable = new DrayageError(
  'ssh/unreachable',
  { meaning: '', exit: 1 },
  { seen: 'no route', next: [] },
);

describe('a command that is looked at', () => {
  test('must have the exit code and the text that are expected, but for the last newline', async () => {
    expect((await holds(run(), seeing([{ stdout: 'active\n' }]).world, 's')).holds).toBe(true);
    expect((await holds(run(), seeing([{ stdout: 'active\n\n' }]).world, 's')).holds).toBe(false);
    expect(await holds(run(), seeing([{ exitCode: 3, stdout: 'failed', stderr: 'why' }]).world, 's')).toEqual(
      {
        holds: false,
        seen: 'doc1: x: exit code 3, failed\nwhy',
      },
    );
  });

  test('is looked at again while there is time, also when the machine does not answer yet', async () => {
    const { world, looks } = seeing([unreachable, { stdout: 'activating' }, { stdout: 'active' }]);
    expect((await holds(run({ within: 60 }), world, 's')).holds).toBe(true);
    expect(looks()).toBe(3);
  });

  test('is looked at once in a probe, however long its proof may take', async () => {
    const { world, looks } = seeing([{ stdout: 'activating' }]);
    expect(await firstNotHeld([run({ within: 60 })], world, 's', false)).toMatchObject({
      check: { what: 'it is active' },
    });
    expect(looks()).toBe(1);
  });

  test('is given up when the time is over, and a machine that never answers is an error', async () => {
    expect((await holds(run({ within: 5 }), seeing([{ exitCode: 1 }]).world, 's')).holds).toBe(false);
    await expect(holds(run({ within: 5 }), seeing([unreachable]).world, 's')).rejects.toBe(unreachable);
    await expect(holds(run(), seeing([unreachable]).world, 's')).rejects.toBe(unreachable);
  });
});

describe('an answer of the API', () => {
  const get = (value: unknown, more: Partial<Extract<Check, { kind: 'call' }>>) => {
    const { world } = seeing([], {
      cluster: { get: async () => value, call: async () => null, waitForTask: async () => null },
    });
    return holds({ kind: 'call', path: '/x', at: '', what: 'x', ...more }, world, 's');
  };
  test('is compared at its place', async () => {
    expect((await get({ a: { b: ['1'] } }, { at: 'a.b', equals: ['1'] })).holds).toBe(true);
    expect((await get({ a: { b: ['1', '2'] } }, { at: 'a.b', equals: ['1'] })).holds).toBe(false);
    expect(await get(undefined, { at: 'a.b', equals: 1 })).toEqual({
      holds: false,
      seen: 'GET /x a.b: absent',
    });
  });
  test('may have to be present, whatever it is', async () => {
    expect((await get({ a: '' }, { at: 'a', present: true })).holds).toBe(true);
    expect((await get({}, { at: 'a', present: true })).holds).toBe(false);
    expect((await get(undefined, { at: 'a', present: true })).holds).toBe(false);
  });
  test('may have to be absent', async () => {
    expect((await get({}, { at: 'a', absent: true })).holds).toBe(true);
    expect((await get({ a: 1 }, { at: 'a', absent: true })).holds).toBe(false);
  });
  test('may have to have a form', async () => {
    expect((await get({ a: 4096 }, { at: 'a', matches: '^4096$' })).holds).toBe(true);
    expect((await get({ a: { b: 1 } }, { at: 'a', matches: '.' })).holds).toBe(false);
  });
  test('that the guest agent does not run yet is no error, and other errors are', async () => {
    const refusing = (seen: string) => {
      const error = new DrayageError('proxmox/unexpected', { meaning: '', exit: 1 }, { seen, next: [] });
      const { world } = seeing([], {
        cluster: { get: () => Promise.reject(error), call: async () => null, waitForTask: async () => null },
      });
      return holds({ kind: 'call', path: '/agent/info', at: '', what: 'x' }, world, 's');
    };
    expect((await refusing('GET /agent/info: 500 QEMU guest agent is not running')).holds).toBe(false);
    await expect(refusing('GET /agent/info: 500 something else')).rejects.toThrow('something else');
  });
});

describe('a source', () => {
  const source: Check = {
    kind: 'source',
    host: 'doc1',
    path: '/mnt/docker',
    device: '65024',
    inode: '2',
    what: 'it is there',
  };
  test.each([
    ['directory 65024 2\nx', true, ''],
    ['directory 65024 2\n', false, 'is empty'],
    ['directory 65025 2\nx', false, 'mounted, unmounted or replaced'],
    ['regular file 65024 2\n', false, 'is a regular file'],
  ])('that stat calls %j', async (stdout, right, said) => {
    const answer = await holds(source, seeing([{ stdout }]).world, 's');
    expect(answer.holds).toBe(right);
    expect(answer.seen).toContain(said);
  });
  test('that is missing does not hold; an answer that is not understood is an error', async () => {
    expect(await holds(source, seeing([{ exitCode: 1, stderr: 'No such file' }]).world, 's')).toMatchObject({
      holds: false,
    });
    await expect(holds(source, seeing([{ stdout: '?' }]).world, 's')).rejects.toMatchObject({
      code: 'apply/unreadable-output',
    });
  });
});

describe('the clock of the source', () => {
  const before = { seconds: 1000, uptime: 50, bootId: 'a' };
  test('is trusted while it runs as time does, within one boot', () => {
    expect(sameClock(before, { seconds: 1600, uptime: 650.4, bootId: 'a' })).toBe(true);
    expect(sameClock(before, { seconds: 900, uptime: 650, bootId: 'a' })).toBe(false);
    expect(sameClock(before, { seconds: 9000, uptime: 650, bootId: 'a' })).toBe(false);
    expect(sameClock(before, { seconds: 1600, uptime: 650, bootId: 'b' })).toBe(false);
    // A virtual machine set back to a snapshot with its memory: date and uptime fall back together.
    expect(sameClock(before, { ...before, seconds: 980, uptime: 30 })).toBe(false);
  });
});

test('whether a path is quiet is looked at while nothing else of drayage looks into it', async () => {
  let looking = 0;
  const beside: number[] = [];
  const hosts = (name: string) => ({
    name,
    async run(argv: readonly string[]): Promise<RunResult> {
      if (argv.includes(quietScript)) beside.push(looking);
      looking += 1;
      await Promise.resolve();
      looking -= 1;
      return { exitCode: 0, stdout: Buffer.from('active'), stderr: Buffer.alloc(0) };
    },
  });
  const { world } = fakeWorld(fresh(), undefined, { hosts });
  const quiet: Check = { kind: 'quiet', host: 'doc1', path: '/mnt/docker', what: 'it is quiet' };
  await firstNotHeld([run(), quiet, run()], world, 's').catch(() => undefined);
  expect(beside).toEqual([0]);
});
