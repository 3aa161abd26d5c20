import { afterAll, beforeAll, expect, it } from 'vitest';
import { quoteArgv } from '../../src/ssh/quote.ts';
import { createDataset, createSnapshot, destroySnapshot, mountDataset } from '../../src/zfs/commands.ts';
import { zfsFailure } from '../../src/zfs/errors.ts';
import {
  abortReceive,
  destroyReceived,
  dropSnapshots,
  type Pulled,
  pullSnapshot,
  readResumeToken,
  receiveSnapshot,
  resumeToken,
  sameSnapshot,
  sendSize,
  sendSnapshot,
  snapshotsDropped,
  takeHeldSnapshot,
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
const snapshot = (name: string) => ok(...createSnapshot({ dataset: from, snapshot: `own-${name}` }));
const pulled = (name: string): Pulled => ({
  send: { dataset: from, snapshot: `own-${name}`, raw: false },
  receive: { dataset: to, properties: {} },
  way,
  own: 'own',
  tag: 'drayage',
  lock: '/run/lock/test.lock',
});
const pull = (name: string) => ok(...pullSnapshot(pulled(name)));
/** Sent whatever is there, without a look. */
const straight = (name: string, since?: string, cutAfter = '') => {
  const { send, receive } = pulled(name);
  const argv = sendSnapshot({ ...send, ...(since === undefined ? {} : { since: `own-${since}` }) });
  const script = `${argv.join(' ')} ${cutAfter} | ${receiveSnapshot(receive).join(' ')}`;
  return ['bash', '-o', 'pipefail', '-c', script];
};
/** A stream of which only the first bytes arrive. */
const cutOff = (name: string, since?: string) => run(...straight(name, since, '| head -c 9000000'));
const token = async () => (await ok(...resumeToken(to))).trim();
const snapshots = async (of = to) =>
  (await ok('zfs', 'list', '-H', '-o', 'name', '-t', 'snapshot', '-s', 'createtxg', of)).trim().split('\n');
const holds = (name: string) => ok('sh', '-c', `zfs holds -H ${name} | cut -f 2`);
const shown = (names: string, of = to) => ok('zfs', 'get', '-Hp', '-o', 'value', names, of);

it('tells how large the stream will be, without sending it', async () => {
  await snapshot('1');
  const lines = (await ok(...sendSize({ dataset: from, snapshot: 'own-1', raw: false }))).trim().split('\n');
  expect(lines.at(-1)).toMatch(/^size\t\d+$/);
  expect(Number(lines.at(-1)?.split('\t')[1])).toBeGreaterThan(24 * 1024 * 1024);
});

it('takes a snapshot and holds it, once', async () => {
  for (const _time of [1, 2]) await ok(...takeHeldSnapshot(from, 'own-1', 'drayage'));
  expect(await holds(`${from}@own-1`)).toBe('drayage\n');
  expect((await failure(...destroySnapshot(from, 'own-1'))).code).toBe('zfs/snapshot-busy');
  const again = await failure('zfs', 'hold', 'drayage', `${from}@own-1`);
  expect(again.code).toBe('zfs/held-already');
  expect(again.next).toEqual([`zfs holds ${from}@own-1`]);
});

it('goes on with a stream that was cut off in the middle, and ends with the very snapshot, held', async () => {
  const cut = await cutOff('1');
  const error = zfsFailure({
    host: 'prom',
    argv: ['zfs', 'receive'],
    exitCode: cut.exitCode,
    stderr: `${cut.stderr}`,
  });
  expect(error.code).toBe('zfs/receive-cut-off');
  expect(error.next).toContain('run the same command again: it goes on');
  const begun = await token();
  expect(begun).toMatch(/^1-/);
  expect(await ok('sh', '-c', `${readResumeToken(begun).join(' ')} 2>&1`)).toContain(
    `toname = ${from}@own-1\n`,
  );
  await pull('1');
  expect(await token()).toBe('-');
  expect((await run(...sameSnapshot(pulled('1')))).exitCode).toBe(0);
  expect(await holds(`${to}@own-1`)).toBe('drayage\n');
});

it('brings the properties of a share along, and shows nothing of it', async () => {
  expect(await shown('acltype,recordsize,mountpoint,readonly,mounted')).toBe('posix\n16384\nnone\non\nno\n');
  expect((await failure(...mountDataset(to))).code).toBe('zfs/mount-failed');
});

it('does nothing when the snapshot is there already', async () => {
  expect(await pull('1')).toBe('');
  expect(await snapshots()).toEqual([`${to}@own-1`]);
});

it('waits for what a lost connection has left behind', async () => {
  await snapshot('2');
  const script = '(flock 9; sleep 3) 9>>/run/lock/test.lock & sleep 0.5; begin=$(date +%s%N); ';
  await shell(
    `${script} ${quoteArgv(pullSnapshot(pulled('2')))}; wait; [ $(($(date +%s%N) - begin)) -gt 2000000000 ]`,
  );
  expect((await snapshots()).at(-1)).toBe(`${to}@own-2`);
});

it('sends only what changed since, which it finds by looking, and shows it where it is mounted', async () => {
  await shell('echo 2 > /nvmeprom/containers/f; rm /nvmeprom/containers/other-name');
  await snapshot('3');
  const size = await ok(...sendSize({ dataset: from, snapshot: 'own-3', since: 'own-2', raw: false }));
  expect(Number(size.trim().split('\t').at(-1))).toBeLessThan(1_000_000);
  await pull('3');
  await shell(`zfs set mountpoint=${mountpoint} ${to}`);
  expect(await shown('mounted,written')).toBe('yes\n0\n');
  expect(await shell(`cat ${mountpoint}/f; ls ${mountpoint}`)).toBe('2\nbig\nf\n');
  await shell(`cmp /nvmeprom/containers/big ${mountpoint}/big`);
  expect(await shell(`getfacl -cn ${mountpoint}/f 2>/dev/null`)).toContain('user:1000:rw-');
  await shell(`zfs set mountpoint=none ${to}`);
});

it('comes back as an increment to a side that was closed before the last snapshot', async () => {
  await shell(`zfs set readonly=on ${from}; zfs snapshot ${from}@own-4`);
  await pull('4');
  expect(await shown('written', from)).toBe('0\n');
  await shell(
    `zfs set mountpoint=${mountpoint} ${to}; zfs set readonly=off ${to}; echo back > ${mountpoint}/f`,
  );
  await shell(`zfs set mountpoint=none ${from}; zfs snapshot ${to}@own-5`);
  const back: Pulled = {
    ...pulled('5'),
    send: { dataset: to, snapshot: 'own-5', raw: false },
    receive: { dataset: from, properties: {} },
  };
  await ok(...pullSnapshot(back));
  expect(await shown('written,mounted', from)).toBe('0\nno\n');
  await shell(`zfs set readonly=off ${from}; zfs set mountpoint=/nvmeprom/containers ${from}`);
  expect(await shell('cat /nvmeprom/containers/f')).toBe('back\n');
  // The other way again, for what follows.
  await shell(`zfs set readonly=on ${to}; zfs rollback ${to}@own-5; zfs set mountpoint=none ${to}`);
});

it('refuses a side that was written to, and leaves it as it is', async () => {
  await shell(
    `zfs set readonly=off ${to}; zfs set mountpoint=${mountpoint} ${to}; echo mine > ${mountpoint}/mine; sync`,
  );
  await shell('echo 3 > /nvmeprom/containers/f');
  expect(Number(await shown('written'))).toBeGreaterThan(0);
  await snapshot('6');
  const refused = await failure(...pullSnapshot(pulled('6')));
  expect(refused.code).toBe('zfs/receive-modified');
  expect(refused.next[0]).toContain('zfs diff');
  expect(await shell(`cat ${mountpoint}/mine`)).toBe('mine\n');
  await shell(`zfs snapshot ${to}@theirs`);
  const newer = await run(...pullSnapshot(pulled('6')));
  expect(newer.exitCode).toBe(1);
  expect(`${newer.stderr}`).toContain("the newest snapshot, maint/containers@theirs, is not drayage's");
  await shell(`zfs rollback -r ${to}@own-5; zfs set readonly=on ${to}; zfs set mountpoint=none ${to}`);
  await pull('6');
});

it('says that a cut stream cannot go on when its snapshot is gone, and what ends it', async () => {
  await shell('dd if=/dev/urandom of=/nvmeprom/containers/more bs=1M count=24 status=none');
  await snapshot('7');
  await cutOff('7', '6');
  await ok(...destroySnapshot(from, 'own-7'));
  await snapshot('7');
  const stale = await failure(...pullSnapshot(pulled('7')));
  expect(stale.code).toBe('zfs/resume-stale');
  expect(stale.next).toEqual(['on the receiving node: zfs receive -A <dataset>']);
  const read = await run(...readResumeToken(await token()));
  expect(read.exitCode).not.toBe(0);
  expect(`${read.stdout}${read.stderr}`).toContain(`toname = ${from}@own-7\n`);
  expect((await failure(...straight('7', '6'))).code).toBe('zfs/receive-partial');
  await ok(...abortReceive(to));
  await pull('7');
  expect((await snapshots()).at(-1)).toBe(`${to}@own-7`);
});

it('refuses a whole stream where a dataset is, and an increment where none is', async () => {
  expect((await failure(...straight('7'))).code).toBe('zfs/receive-exists');
  const fresh = straight('7', '6').map((word) => word.replaceAll(to, 'maint/fresh'));
  expect((await failure(...fresh)).code).toBe('zfs/receive-no-base');
});

it('notices a sender that fails', async () => {
  expect((await failure(...pullSnapshot(pulled('99')))).code).toBe('zfs/dataset-missing');
});

it('drops snapshots by name, with their hold, and leaves what others hold or made', async () => {
  await shell(`zfs snapshot ${to}@theirs; zfs hold keep ${to}@own-2`);
  const names = ['own-1', 'own-2', 'own-none'];
  expect((await run(...snapshotsDropped(to, names, 'drayage'))).exitCode).toBe(1);
  for (const _time of [1, 2]) await ok(...dropSnapshots(to, names, 'drayage'));
  expect((await run(...snapshotsDropped(to, names, 'drayage'))).exitCode).toBe(0);
  const left = await snapshots();
  expect(left).not.toContain(`${to}@own-1`);
  expect(left).toContain(`${to}@own-2`);
  expect(left).toContain(`${to}@theirs`);
  await shell(`zfs release keep ${to}@own-2; zfs destroy ${to}@theirs`);
});

it('leaves the older state whole when the pool is full in the middle', async () => {
  await shell('dd if=/dev/urandom of=/nvmeprom/containers/huge bs=1M count=500 status=none');
  await snapshot('8');
  expect((await failure(...pullSnapshot(pulled('8')))).code).toBe('zfs/no-space');
  expect((await snapshots()).at(-1)).toBe(`${to}@own-7`);
  await run(...abortReceive(to));
});

it('destroys what was received only when no other snapshot is left', async () => {
  await shell(`zfs snapshot ${to}@theirs`);
  const own = (await snapshots()).flatMap((name) =>
    name.includes('@own-') ? [name.split('@')[1] as string] : [],
  );
  expect((await failure(...destroyReceived(to, own, 'drayage'))).code).toBe('zfs/has-children');
  expect(await snapshots()).toEqual([`${to}@theirs`]);
  await shell(`zfs destroy ${to}@theirs`);
  await ok(...destroyReceived(to, own, 'drayage'));
  expect(await run('zfs', 'list', to)).toMatchObject({ exitCode: 1 });
});

it('sends an encrypted dataset as it is stored, to a node that has no key, and back', async () => {
  await shell(
    'echo 12345678 | zfs create -o encryption=on -o keyformat=passphrase nvmeprom/keys; zfs create nvmeprom/keys/vault; echo secret > /nvmeprom/keys/vault/s; zfs snapshot nvmeprom/keys/vault@own-1',
  );
  const vault = (raw: boolean, snapshot: string, ...[source, target]: string[]): Pulled => ({
    ...pulled('1'),
    send: { dataset: source as string, snapshot, raw },
    receive: { dataset: target as string, properties: {} },
  });
  const there = ['nvmeprom/keys/vault', 'maint/vault'];
  expect((await failure(...pullSnapshot(vault(false, 'own-1', ...there)))).code).toBe('zfs/send-needs-raw');
  await ok(...pullSnapshot(vault(true, 'own-1', ...there)));
  expect((await run(...sameSnapshot(vault(true, 'own-1', ...there)))).exitCode).toBe(0);
  expect(await shown('keystatus,encryptionroot', 'maint/vault')).toBe('unavailable\nmaint/vault\n');
  await shell('echo 12345678 | zfs load-key maint/vault');
  await shell('zfs set readonly=on nvmeprom/keys/vault; zfs snapshot nvmeprom/keys/vault@own-2');
  await ok(...pullSnapshot(vault(true, 'own-2', ...there)));
  expect(await shown('keystatus', 'maint/vault')).toBe('available\n');
  await shell(
    'zfs set readonly=off maint/vault; zfs set mountpoint=/maint/vault maint/vault; echo new > /maint/vault/s; zfs snapshot maint/vault@own-3; zfs set mountpoint=none nvmeprom/keys/vault',
  );
  await ok(...pullSnapshot(vault(true, 'own-3', ...there.toReversed())));
  // An encryption root of its own from here on: the key must be loaded once more.
  expect(await shown('keystatus', 'nvmeprom/keys/vault')).toBe('unavailable\n');
  await shell('zfs set mountpoint=/vault nvmeprom/keys/vault').catch(() => undefined);
  const locked = await failure(...mountDataset('nvmeprom/keys/vault'));
  expect(locked.code).toBe('zfs/key-not-loaded');
  expect(locked.next).toEqual(['zfs load-key nvmeprom/keys/vault']);
  await shell('echo 12345678 | zfs load-key nvmeprom/keys/vault; zfs mount nvmeprom/keys/vault');
  expect(await shell('cat /vault/s')).toBe('new\n');
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
