import { expect, test } from 'vitest';
import { writeScript } from '../../src/apply/write.ts';
import { probeScript } from '../../src/guest/probe.ts';
import type { Operation } from '../../src/plan/operation.ts';
import { quoteArgv } from '../../src/ssh/quote.ts';
import { remoteCommand } from '../../src/ssh/ssh.ts';
import { deedMinusPlan } from './lab-deed.ts';
import { onlyLooks, wordsOf } from './lab-looks.ts';
import type { Received } from './lab-record.ts';

const run = (host: string, ...argv: string[]): Operation => ({ kind: 'run', host, argv, what: 'something' });
const received = (commands: Readonly<Record<string, string[]>>, api: Received['api'] = []): Received => ({
  ssh: Object.fromEntries(
    ['prom', 'doc1', 'doc2'].map((host) => [
      host,
      (commands[host] ?? []).map((command) => ({ host, time: 0, user: 'root', command })),
    ]),
  ),
  api,
});
const plan = [run('doc1', 'systemctl', 'stop', 'web.service'), run('doc1', 'podman', 'stop', 'app')];
const sent = plan.map((operation) => (operation.kind === 'run' ? remoteCommand(operation.argv) : ''));

test('what was planned, in its order, with looks between, is the plan', () => {
  const look = remoteCommand(['systemctl', 'is-active', 'web.service']);
  expect(deedMinusPlan(plan, received({ doc1: [look, sent[0] ?? '', look, sent[1] ?? ''] }))).toEqual([]);
});

test('a command that nobody planned, a missing one, a doubled one and another order are found', () => {
  const stray = remoteCommand(['rm', '-rf', '--', '/mnt/docker']);
  expect(deedMinusPlan(plan, received({ doc1: [...sent, stray] }))).toEqual([
    expect.stringContaining('rm -rf'),
  ]);
  expect(deedMinusPlan(plan, received({ doc1: sent.slice(0, 1) }))).toEqual([
    expect.stringContaining('doc1 never received'),
  ]);
  expect(deedMinusPlan(plan, received({ doc1: [...sent, ...sent.slice(1)] }))).toHaveLength(1);
  expect(deedMinusPlan(plan, received({ doc1: sent.toReversed() }))).not.toEqual([]);
  expect(deedMinusPlan(plan, received({ doc2: sent }))).not.toEqual([]);
});

test('a changing call that nobody planned is found, and so is one with another parameter', () => {
  const call: Operation = {
    kind: 'call',
    method: 'PUT',
    path: '/a',
    params: { map: ['x'], timeout: 180 },
    what: 'a',
  };
  const request = { time: '', method: 'PUT', path: '/a', tokenid: null, status: 200 };
  const got = (params: Record<string, string>) => received({}, [{ ...request, params }]);
  expect(deedMinusPlan([call], got({ timeout: '180', map: 'x' }))).toEqual([]);
  expect(deedMinusPlan([call], got({ timeout: '180', map: 'y' }))).toHaveLength(2);
  expect(deedMinusPlan([], got({}))).toHaveLength(1);
});

test('words are read back from every line that can be sent', () => {
  const argv = ['sh', '-c', 'a "b"\n$(c) \\ \'d\'', '', '*', '--x=1'];
  expect(wordsOf(quoteArgv(argv))).toEqual(argv);
  for (const line of ['a; b', 'a > b', 'a $(b)', 'a | b', 'a "$b"', 'a\nb', 'a `b`'])
    expect(wordsOf(line)).toBeUndefined();
});

test('looking is told from changing', () => {
  const looks = [
    ['cat', '/etc/fstab'],
    ['runuser', '-u', 'notes', '--', 'env', '--chdir=/', 'podman', 'container', 'exists', 'x'],
    ['sh', '-c', '! "$@"', 'sh', 'systemctl', 'is-active', 'x'],
    ['sh', '-c', probeScript({ a: ['cat', 'x'], b: ['find', '/', '-printf', '%p\\n'] })],
    [
      'sh',
      '-c',
      'cd -- "$1" && shift && exec find . "$@"',
      'sh',
      '/mnt',
      '-execdir',
      'sha256sum',
      '-z',
      '--',
      '{}',
      ';',
    ],
  ];
  for (const argv of looks) expect(onlyLooks(remoteCommand(argv)), argv.join(' ')).toBe(true);
  const changes = [
    ['rm', 'x'],
    ['runuser', '-u', 'notes', '--', 'env', '--chdir=/', 'podman', 'rm', 'x'],
    ['sh', '-c', '! "$@"', 'sh', 'systemctl', 'stop', 'x'],
    ['sh', '-c', writeScript, 'sh', '/etc/fstab', '0644', ''],
    ['sh', '-c', `${probeScript({ a: ['cat', 'x'] })}\nrm x`],
    ['sh', '-c', probeScript({ a: ['cat', 'x'] }).replace('cat x', 'cat x; rm x')],
    ['sh', '-c', 'cd -- "$1" && shift && exec find . "$@"', 'sh', '/mnt', '-delete'],
    ['sh', '-c', 'cd -- "$1" && shift && exec find . "$@"', 'sh', '/mnt', '-execdir', 'rm', '{}', ';'],
    ['find', '/', '-delete'],
    ['zfs', 'destroy', 'x'],
  ];
  for (const argv of changes) expect(onlyLooks(remoteCommand(argv)), argv.join(' ')).toBe(false);
  expect(onlyLooks('cat x; rm x')).toBe(false);
});
