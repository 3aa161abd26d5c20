import { expect, test } from 'vitest';
import type { Copy } from '../../src/apply/copy-parts.ts';
import { writeScript } from '../../src/apply/write.ts';
import {
  counting,
  listCommand,
  listing,
  questionsCommand,
  scanAll,
  scanOf,
} from '../../src/copy/change-list/commands.ts';
import { lineCommand } from '../../src/copy/change-list/line.ts';
import { dryRunOf, inPlaceOf } from '../../src/copy/rsync-command.ts';
import { probeScript } from '../../src/guest/probe.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Operation } from '../../src/plan/operation.ts';
import { quoteArgv } from '../../src/ssh/quote.ts';
import { remoteCommand } from '../../src/ssh/ssh.ts';
import { digestCommand, listedCommand, metadataCommand } from '../../src/verify/manifest-command.ts';
import { deedMinusPlan } from './lab-deed.ts';
import { onlyLooks, wordsOf } from './lab-looks.ts';
import type { Received } from './lab-record.ts';
import { sampleConfig, sampleFindings } from './sample.ts';

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

const copied = makePlan(sampleConfig(), sampleFindings(), '0').steps.flatMap(({ operations }) =>
  operations.filter((operation) => operation.kind === 'copy'),
);
const [seed, last] = copied as [Copy, Copy];
const half = (flags = '') => `rsync --server --sender -logDtprSX${flags}e.iLsfxCIvu`;
/** What the node receives for one list: the lock and the connection, then its rsync; at rest another one at once. */
const listOf = ({ listArgv, pass }: Copy, order = pass === 'final' ? [0, 1] : [0]) => [
  remoteCommand(lineCommand(listArgv)),
  ...order.map((which) => remoteCommand(which === 0 ? listArgv : inPlaceOf(listArgv))),
];
const halvesOf = (prom: readonly string[]) =>
  prom
    .filter((line) => line.includes(' flock --no-fork '))
    .map((line) => half(line.includes(' --dry-run ') ? 'n' : ''));

test('a first copy is everything once, and at least one list of changes; no more of them than the plan says', () => {
  const whole = remoteCommand(seed.argv);
  const list = listOf(seed);
  const deed = (prom: string[], doc1 = halvesOf(prom)) => deedMinusPlan([seed], received({ prom, doc1 }));
  expect(deed([whole, ...list])).toEqual([]);
  expect(deed(list)).toEqual([]);
  expect(deed([whole, ...list, ...list, whole, ...list])).toEqual([]);
  const never = expect.stringContaining('prom never received');
  expect(deed([whole], [half()])).toEqual([never, never]);
  expect(deed([whole, ...Array.from({ length: 6 }, () => list).flat()])).not.toEqual([]);
  expect(deed([whole, ...list], [])).toEqual([expect.stringContaining('doc1 never received')]);
  expect(deed([whole, ...list.map((line) => line.replace('--force', '--delete'))])).not.toEqual([]);
});

test('the rsyncs of one list are received in any order', () => {
  const deed = (order: number[]) => {
    const prom = listOf(last, order);
    return deedMinusPlan([last], received({ prom, doc1: halvesOf(prom) }));
  };
  for (const order of [
    [0, 1],
    [1, 0],
  ])
    expect(deed(order)).toEqual([]);
  for (const order of [[1, 1], [0], []]) expect(deed(order)).not.toEqual([]);
});

test('a first copy into an empty place is a stream and its directories, or a stream that failed and everything again', () => {
  const stream = remoteCommand(seed.streamArgv ?? []);
  const directories = stream.replace('--recursion', '--no-recursion');
  const list = listOf(seed);
  const halves = halvesOf(list);
  const sent = (recursion: string) => `env LC_ALL=C tar --create ${recursion} ${seed.streamArgv?.at(-2)}`;
  const deed = (prom: string[], doc1: string[]) => deedMinusPlan([seed], received({ prom, doc1 }));
  expect(
    deed([stream, directories, ...list], [sent('--recursion'), sent('--no-recursion'), ...halves]),
  ).toEqual([]);
  const whole = remoteCommand(seed.argv);
  expect(deed([stream, whole, ...list], [sent('--recursion'), half(), ...halves])).toEqual([]);
  expect(deed([stream, ...list], [sent('--recursion --remove-files'), ...halves])).not.toEqual([]);
  expect(deed([stream.replace('--extract', '--extract --recursive-unlink'), ...list], halves)).not.toEqual(
    [],
  );
});

test('the lists of the rounds are not taken for the one of the final pass', () => {
  const round = listOf(seed);
  const list = listOf(last);
  const between = run('prom', 'zfs', 'snapshot', 'pool/data@x');
  const snapshot = remoteCommand(['zfs', 'snapshot', 'pool/data@x']);
  const deed = (...prom: string[]) =>
    deedMinusPlan([seed, last, between], received({ prom, doc1: halvesOf(prom) }));
  expect(deed(...round, ...list, snapshot)).toEqual([]);
  expect(deed(...round, ...round, ...list, snapshot)).toEqual([]);
  expect(deed(...list, snapshot)).not.toEqual([]);
  expect(deed(...round, snapshot)).not.toEqual([]);
  expect(deed(...round, ...list)).toEqual([expect.stringContaining('prom never received')]);
});

test('a final pass is one list; or everything, with its deletions counted before', () => {
  const deed = (...prom: string[]) => deedMinusPlan([last], received({ prom, doc1: halvesOf(prom) }));
  const list = listOf(last);
  const whole = [remoteCommand(dryRunOf(last.argv)), remoteCommand(last.argv)];
  expect(deed(...list)).toEqual([]);
  expect(deed(...list, ...whole)).toEqual([]);
  expect(deed()).not.toEqual([]);
  expect(deed(...list, remoteCommand(['rm', '-rf', '/']))).not.toEqual([]);
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
    questionsCommand('/mnt', [scanAll(['cache'], 1_800_000_000)]),
    questionsCommand('/mnt', [
      scanOf(['cache'], 1_800_000_000),
      listing(['cache'], 'whole', 'seen'),
      counting,
    ]),
    listCommand('/mnt', ['it\'s "odd"'], 'children'),
    metadataCommand('/mnt', ['cache']),
    digestCommand('/mnt', 'xxh128', 256),
    listedCommand('/mnt', 'blake3'),
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
    [...digestCommand('/mnt', 'xxh128', 256).slice(0, -3), 'rm', '-rf', '--'],
    listedCommand('/mnt', 'blake3').map((word) => word.replace('getfattr -h', 'setfattr -h')),
    listCommand('/mnt', [], 'children').map((word) => word.replace('-printf', '-delete -printf')),
    questionsCommand('/mnt', [scanAll([], 1).replace('-xdev', '-delete')]),
    questionsCommand('/mnt', [scanOf([], 1).replace('-printf', '-delete -printf')]),
    questionsCommand('/mnt', [scanOf([], 1).replace('shift', 'rm "$at"; shift')]),
    questionsCommand('/mnt', [listing([], 'whole', 'kind'), 'exec find "$@" -delete']),
    ['zfs', 'destroy', 'x'],
  ];
  for (const argv of changes) expect(onlyLooks(remoteCommand(argv)), argv.join(' ')).toBe(false);
  expect(onlyLooks('cat x; rm x')).toBe(false);
});
