import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { holdLock } from '../../../../src/copy/bulk/lock.ts';
import { holdLine } from '../../../../src/copy/change-list/line.ts';
import { connectionOf, lockedExitCode, rsyncList } from '../../../../src/copy/rsync-command.ts';
import type { Host } from '../../../../src/ssh/host.ts';
import { controllerHost } from '../../../../src/ssh/local.ts';
import { startSshd, type TestSshd } from '../../../support/sshd.ts';

let sshd: TestSshd;
let folder: string;
let node: Host;
beforeAll(async () => {
  sshd = await startSshd();
  folder = mkdtempSync(join(tmpdir(), 'drayage-line-'));
  writeFileSync(join(folder, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${sshd.configFile}' "$@"\n`);
  chmodSync(join(folder, 'ssh'), 0o755);
  const here = controllerHost('prom');
  node = {
    name: 'prom',
    run: (argv, run) => here.run(['env', `PATH=${folder}:${process.env.PATH}`, ...argv], run),
  };
});
afterAll(async () => {
  await sshd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const list = (destination: string) =>
  rsyncList({
    sourceDestination: destination,
    sourcePath: '/srv',
    targetPath: join(folder, 'place'),
    exclude: [],
    maxDelete: 0,
    sudo: false,
    protectMarker: false,
    lock: join(folder, 'lock'),
    connection: join(folder, 'connection'),
  });
const logins = () =>
  readFileSync(join(sshd.folder, 'sshd.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('Accepted publickey')).length;

test('the rsyncs of one pass share a connection, which ends with the pass', async () => {
  const argv = list(sshd.destination);
  const rsh = (argv.find((word) => word.startsWith('--rsh=')) ?? '').slice('--rsh='.length).split(' ');
  const before = logins();
  const line = holdLine(node, argv);
  expect(await line.ready).toBeUndefined();
  for (const _rsync of [1, 2, 3])
    expect(await node.run([...rsh, sshd.destination, 'true'])).toMatchObject({ exitCode: 0 });
  expect(logins() - before).toBe(1);
  const second = holdLine(node, argv);
  expect(await second.ready).toMatchObject({ exitCode: lockedExitCode });
  await second.close('end');
  await line.close('end');
  expect(existsSync(connectionOf(argv)?.socket ?? '')).toBe(false);
});

test("a connection that is kept is the next pass's, unless it died meanwhile", async () => {
  const argv = list(sshd.destination);
  const socket = connectionOf(argv)?.socket ?? '';
  const before = logins();
  for (const how of ['keep', 'keep', 'end'] as const) {
    const line = holdLine(node, argv);
    expect(await line.ready).toBeUndefined();
    await line.close(how);
    expect(existsSync(socket)).toBe(how === 'keep');
  }
  expect(logins() - before).toBe(1);
  const left = holdLine(node, argv);
  expect(await left.ready).toBeUndefined();
  await left.close('keep');
  const asked = await node.run([...(connectionOf(argv)?.argv ?? []), '-O', 'check']);
  process.kill(Number(/pid=(\d+)/.exec(asked.stderr.toString())?.[1]), 'SIGKILL');
  const next = holdLine(node, argv);
  expect(await next.ready).toBeUndefined();
  expect(logins() - before).toBe(3);
  await next.close('end');
  expect(existsSync(socket)).toBe(false);
});

test('one that is left ends by itself, at once, and nobody waits for it', async () => {
  const argv = list(sshd.destination);
  const line = holdLine(node, argv);
  expect(await line.ready).toBeUndefined();
  await line.close('leave');
  const socket = connectionOf(argv)?.socket ?? '';
  await vi.waitFor(() => expect(existsSync(socket)).toBe(false), { timeout: 5000 });
});

test('a connection that does not come about is left to each rsync, which says why', async () => {
  const line = holdLine(node, list('nowhere.invalid'));
  expect(await line.ready).toBeUndefined();
  await line.close('end');
});

test('what an earlier pass left of its socket is in the way of none', async () => {
  const argv = list(sshd.destination);
  writeFileSync(connectionOf(argv)?.socket ?? '', '');
  const line = holdLine(node, argv);
  expect(await line.ready).toBeUndefined();
  const answer = await node.run([...(connectionOf(argv)?.argv ?? []), '-O', 'check']);
  expect(answer.exitCode).toBe(0);
  await line.close('end');
});

describe('what a shell prints before it obeys', () => {
  /** A node whose profile says something first, as `echo` in a .bashrc does. */
  const noisy = (profile: string): Host => ({
    name: 'prom',
    run: (argv, run) => node.run(['sh', '-c', `${profile}; exec "$@"`, 'sh', ...argv], run),
  });
  const lock = () => join(folder, 'lock');
  const both = [
    ['a list', (host: Host) => holdLine(host, list('nowhere.invalid'))],
    [
      'parts',
      (host: Host) => {
        const { ready, release } = holdLock(host, lock());
        return { ready, close: release };
      },
    ],
  ] as const;

  test.each(both)('is no lock: another pass keeps %s out', async (_what, hold) => {
    const holder = holdLock(node, lock());
    expect(await holder.ready).toBeUndefined();
    const shutOut = hold(noisy('echo ready; echo held; echo Welcome'));
    expect(await shutOut.ready).toMatchObject({ exitCode: lockedExitCode });
    await shutOut.close('end');
    await holder.release();
  });

  test.each(both)(
    'is not in the way of the lock of %s, with or without an end of line',
    async (_what, hold) => {
      for (const profile of ['echo Welcome', 'printf Welcome']) {
        const line = hold(noisy(profile));
        expect(await line.ready).toBeUndefined();
        const second = holdLock(node, lock());
        expect(await second.ready).toMatchObject({ exitCode: lockedExitCode });
        await second.release();
        await line.close('end');
      }
    },
  );

  test.each(both)('and then ends is an error that shows it, for %s', async (_what, hold) => {
    const line = hold(noisy('echo This account is not available; exit 0'));
    await expect(line.ready).rejects.toMatchObject({
      code: 'copy/unreadable-output',
      seen: expect.stringContaining('This account is not available'),
      next: [expect.stringContaining('log in to prom'), 'ssh prom flock --version'],
    });
    await line.close('end');
  });
});
