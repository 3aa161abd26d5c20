import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
  await second.close();
  await line.close();
  expect(existsSync(connectionOf(argv)?.socket ?? '')).toBe(false);
});

test('a connection that does not come about is left to each rsync, which says why', async () => {
  const line = holdLine(node, list('nowhere.invalid'));
  expect(await line.ready).toBeUndefined();
  await line.close();
});

test('what an earlier pass left of its socket is in the way of none', async () => {
  const argv = list(sshd.destination);
  writeFileSync(connectionOf(argv)?.socket ?? '', '');
  const line = holdLine(node, argv);
  expect(await line.ready).toBeUndefined();
  const answer = await node.run([...(connectionOf(argv)?.argv ?? []), '-O', 'check']);
  expect(answer.exitCode).toBe(0);
  await line.close();
});
