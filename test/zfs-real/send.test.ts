import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDataset, createSnapshot, destroySnapshot, mountDataset } from '../../src/zfs/commands.ts';
import { zfsFailure } from '../../src/zfs/errors.ts';
import {
  abortReceive,
  type Carried,
  carrySnapshot,
  holdSnapshot,
  listHolds,
  receiveSnapshot,
  releaseHold,
  resumeToken,
  sameSnapshot,
  sendSize,
  sendSnapshot,
} from '../../src/zfs/send.ts';
import type { ZfsUnderTest } from './expectations.ts';
import { openGuest } from './open-guest.ts';

/** Two pools of one guest stand for two nodes; `sh -c` takes a command line as ssh does. */
const from = 'nvmeprom/containers';
const to = 'maint/containers';
const way = ['sh', '-c'];
const mountpoint = '/maint/containers';

let zfs: ZfsUnderTest;
beforeAll(async () => {
  zfs = await openGuest();
  await shell('truncate -s 400M /root/maint.img; zpool create -m /maint maint /root/maint.img');
  await ok(
    ...createDataset(from, {
      acltype: 'posixacl',
      xattr: 'sa',
      recordsize: '16K',
      mountpoint: '/nvmeprom/containers',
    }),
  );
  await shell(
    'cd /nvmeprom/containers; dd if=/dev/urandom of=big bs=1M count=24 status=none; echo 1 > f; setfacl -m u:1000:rw f; setfattr -n user.note -v hello f; ln f other-name',
  );
}, 1_800_000);
afterAll(() => zfs?.close());

const run = (...argv: string[]) => zfs.host.run(argv, { timeoutSeconds: 120 });
async function ok(...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(...argv);
  expect(`${stderr}`).toBe('');
  expect(exitCode).toBe(0);
  return stdout.toString();
}
const shell = (script: string) => ok('bash', '-ec', script);
async function failure(...argv: string[]) {
  const { exitCode, stderr } = await run(...argv);
  expect(exitCode).not.toBe(0);
  return zfsFailure({ host: 'prom', argv, exitCode, stderr: stderr.toString() });
}
const snapshot = (name: string) => ok(...createSnapshot({ dataset: from, snapshot: name }));
const carried = (name: string, since?: string, rollback = false): Carried => ({
  send: { dataset: from, snapshot: name, raw: false, ...(since === undefined ? {} : { since }) },
  receive: { dataset: to, mountpoint, rollback },
  way,
});
/** A stream of which only the first bytes arrive. */
const cutOff = ({ send, receive }: Carried, bytes: number) =>
  run(
    'bash',
    '-c',
    `${sendSnapshot(send).join(' ')} | head -c ${bytes} | ${receiveSnapshot(receive).join(' ')}`,
  );
/** Sent whatever is there, without a look. */
const straight = ({ send, receive }: Carried) => [
  'bash',
  '-o',
  'pipefail',
  '-c',
  `${sendSnapshot(send).join(' ')} | ${receiveSnapshot(receive).join(' ')}`,
];
const token = async () => (await ok(...resumeToken(to))).trim();
const snapshots = async () =>
  (await ok('zfs', 'list', '-H', '-o', 'name', '-t', 'snapshot', '-s', 'creation', to)).trim().split('\n');

it('tells how large the stream will be, without sending it', async () => {
  await snapshot('a');
  const lines = (await ok(...sendSize(carried('a').send))).trim().split('\n');
  expect(lines.at(-1)).toMatch(/^size\t\d+$/);
  expect(Number(lines.at(-1)?.split('\t')[1])).toBeGreaterThan(24 * 1024 * 1024);
});

it('keeps a held snapshot, and refuses a second hold of the same tag', async () => {
  await ok(...holdSnapshot('drayage', from, 'a'));
  expect(await ok(...listHolds(from, 'a'))).toMatch(/^nvmeprom\/containers@a\tdrayage\t\d+\n$/);
  expect((await failure(...destroySnapshot(from, 'a'))).code).toBe('zfs/snapshot-busy');
  const again = await failure(...holdSnapshot('drayage', from, 'a'));
  expect(again.code).toBe('zfs/held-already');
  expect(again.next).toEqual([`zfs holds ${from}@a`]);
  await ok(...releaseHold('drayage', from, 'a'));
  expect(await ok(...listHolds(from, 'a'))).toBe('');
});

it('goes on with a stream that was cut off in the middle, and ends with the very snapshot', async () => {
  const cut = await cutOff(carried('a'), 9_000_000);
  const error = zfsFailure({
    host: 'prom',
    argv: ['zfs', 'receive'],
    exitCode: cut.exitCode,
    stderr: `${cut.stderr}`,
  });
  expect(error.code).toBe('zfs/receive-cut-off');
  expect(error.next).toContain('run the same command again: it goes on');
  expect(await token()).toMatch(/^1-/);
  await ok(...carrySnapshot(carried('a')));
  expect(await token()).toBe('-');
  expect((await run(...sameSnapshot(carried('a')))).exitCode).toBe(0);
});

it('brings the properties of a share along, and mounts nothing by itself', async () => {
  const values = await ok(
    'zfs',
    'get',
    '-Hp',
    '-o',
    'value',
    'acltype,recordsize,mountpoint,readonly,mounted',
    to,
  );
  expect(values).toBe(`posix\n16384\n${mountpoint}\non\nno\n`);
  await ok(...mountDataset(to));
  await shell(`cmp /nvmeprom/containers/big ${mountpoint}/big`);
  expect(await shell(`getfacl -cn ${mountpoint}/f 2>/dev/null`)).toContain('user:1000:rw-');
  expect(await shell(`stat -c %h ${mountpoint}/f`)).toBe('2\n');
});

it('does nothing when the snapshot is there already', async () => {
  expect(await ok(...carrySnapshot(carried('a')))).toBe('');
  expect(await snapshots()).toEqual([`${to}@a`]);
});

it('sends only what changed since, into a dataset that stays mounted and read-only', async () => {
  await shell('echo 2 > /nvmeprom/containers/f; rm /nvmeprom/containers/other-name');
  await snapshot('b');
  const size = Number((await ok(...sendSize(carried('b', 'a').send))).trim().split('\t').at(-1));
  expect(size).toBeLessThan(1_000_000);
  await ok(...carrySnapshot(carried('b', 'a')));
  expect(await shell(`cat ${mountpoint}/f; ls ${mountpoint}`)).toBe('2\nbig\nf\n');
  const write = await run('touch', `${mountpoint}/new`);
  expect(write.stderr.toString()).toContain('Read-only file system');
});

it('refuses a side that was written to, and throws that away only when told to', async () => {
  await shell(`zfs set readonly=off ${to}; echo mine > ${mountpoint}/mine; echo 3 > /nvmeprom/containers/f`);
  await snapshot('c');
  const refused = await failure(...carrySnapshot(carried('c', 'b')));
  expect(refused.code).toBe('zfs/receive-modified');
  expect(refused.next[0]).toContain('zfs diff');
  expect(await shell(`cat ${mountpoint}/mine`)).toBe('mine\n');
  await ok(...carrySnapshot(carried('c', 'b', true)));
  expect(await shell(`cat ${mountpoint}/f; ls ${mountpoint}`)).toBe('3\nbig\nf\n');
});

it('says that a cut stream cannot go on when its snapshot is gone, and what ends it', async () => {
  await shell('dd if=/dev/urandom of=/nvmeprom/containers/more bs=1M count=24 status=none');
  await snapshot('d');
  await cutOff(carried('d', 'c'), 9_000_000);
  await ok(...destroySnapshot(from, 'd'));
  await snapshot('d');
  const stale = await failure(...carrySnapshot(carried('d', 'c')));
  expect(stale.code).toBe('zfs/resume-stale');
  expect(stale.next).toEqual(['on the receiving node: zfs receive -A <dataset>']);
  const other = await failure(...straight(carried('d', 'c')));
  expect(other.code).toBe('zfs/receive-partial');
  await ok(...abortReceive(to));
  await ok(...carrySnapshot(carried('d', 'c')));
  expect((await snapshots()).at(-1)).toBe(`${to}@d`);
});

it('refuses a whole stream where a dataset is, and an increment where none is', async () => {
  const whole = await failure(...straight(carried('d')));
  expect(whole.code).toBe('zfs/receive-exists');
  const fresh = { ...carried('d', 'c'), receive: { dataset: 'maint/fresh', mountpoint: '/maint/fresh' } };
  expect((await failure(...carrySnapshot(fresh))).code).toBe('zfs/receive-no-base');
});

it('notices a sender that fails', async () => {
  expect((await failure(...carrySnapshot(carried('none', 'c')))).code).toBe('zfs/dataset-missing');
});

it('leaves the older state whole when the pool is full in the middle', async () => {
  await shell('dd if=/dev/urandom of=/nvmeprom/containers/huge bs=1M count=500 status=none');
  await snapshot('e');
  const full = await failure(...carrySnapshot(carried('e', 'd')));
  expect(full.code).toBe('zfs/no-space');
  expect((await snapshots()).at(-1)).toBe(`${to}@d`);
  expect(await shell(`cat ${mountpoint}/f`)).toBe('3\n');
  await run(...abortReceive(to));
});

it('sends an encrypted dataset as it is stored, to a node that has no key', async () => {
  await shell(
    'echo 12345678 | zfs create -o encryption=on -o keyformat=passphrase nvmeprom/vault; echo secret > /nvmeprom/vault/s; zfs snapshot nvmeprom/vault@a',
  );
  const vault = (raw: boolean): Carried => ({
    send: { dataset: 'nvmeprom/vault', snapshot: 'a', raw },
    receive: { dataset: 'maint/vault', mountpoint: '/maint/vault' },
    way,
  });
  const plain = await failure(...carrySnapshot(vault(false)));
  expect(plain.code).toBe('zfs/send-needs-raw');
  await ok(...carrySnapshot(vault(true)));
  expect((await run(...sameSnapshot(vault(true)))).exitCode).toBe(0);
  const locked = await failure(...mountDataset('maint/vault'));
  expect(locked.code).toBe('zfs/key-not-loaded');
  expect(locked.next).toEqual(['zfs load-key maint/vault']);
});

it('tells every change by ctime, a store into a mapping after a sync included', async () => {
  await ok(...createDataset('nvmeprom/times', { acltype: 'posixacl', xattr: 'sa' }));
  const answer = await ok('python3', '-c', ctimeProgram);
  expect(JSON.parse(answer)).toEqual({
    unseen: ['stored before the sync', 'below a renamed directory'],
    seen: 14,
  });
});

/** Prints which kinds of change did not move the inode's ctime beyond a mark that was taken before them. */
const ctimeProgram = `
import json, mmap, os, subprocess, time
os.chdir('/nvmeprom/times')
def put(name): open(name, 'wb').write(b'x' * 8192)
names = ['write', 'truncate', 'chmod', 'chown', 'setxattr', 'setfacl', 'rename', 'link', 'unlink', 'mapped', 'dirty']
for name in names: put(name)
os.makedirs('folder/sub'); put('folder/sub/f'); os.link('unlink', 'unlink.other')
mapped = lambda name: mmap.mmap(os.open(name, os.O_RDWR), 8192)
dirty = mapped('dirty'); dirty[0] = 65
time.sleep(0.5)
mark = time.time_ns()
time.sleep(0.5)
def moved(name): return os.lstat(name).st_ctime_ns >= mark
seen = {}
dirty[1] = 66
seen['stored before the sync'] = moved('dirty')
subprocess.run(['sync'], check=True)
mapped('mapped')[0] = 65
dirty[2] = 67
os.pwrite(os.open('write', os.O_RDWR), b'z', 0)
os.truncate('truncate', 10); os.chmod('chmod', 0o600); os.chown('chown', 1, 1)
os.setxattr('setxattr', 'user.a', b'1'); subprocess.run(['setfacl', '-m', 'u:5:r', 'setfacl'], check=True)
os.rename('rename', 'renamed'); os.link('link', 'linked'); os.unlink('unlink.other'); os.rename('folder', 'moved')
for name in ['write', 'truncate', 'chmod', 'chown', 'setxattr', 'setfacl', 'renamed', 'link', 'unlink', 'moved', '.', 'linked', 'mapped', 'dirty']:
    seen[name] = moved(name)
seen['below a renamed directory'] = moved('moved/sub/f')
print(json.dumps({'unseen': [name for name in seen if not seen[name]], 'seen': sum(seen.values())}))
`;
