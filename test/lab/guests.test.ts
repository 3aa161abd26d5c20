import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../lab/index.ts';
import { namespaceOf, processesIn } from '../../lab/room/process.ts';
import { findRoom } from '../../lab/room/room.ts';

let folder: string;
let lab: Lab;
const start = (keep: boolean) => startLab({ folder, guests: ['doc2'], services: false, keep });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lab-guests-'));
  lab = await start(false);
});
afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true });
});

const vm = '/nodes/prom/qemu/114';

/** One call to the node's API, from inside the lab's network. */
async function api(method: string, path: string, form: Record<string, string> = {}): Promise<unknown> {
  const program = `fetch('https://10.77.0.1:8006/api2/json${path}', {
    method: '${method}', headers: { Authorization: 'PVEAPIToken=' + process.env.TOKEN },
    ${method === 'GET' ? '' : `body: new URLSearchParams(${JSON.stringify(form)}),`}
  }).then((answer) => answer.text()).then(console.log)`;
  const answer = await lab.exec([process.execPath, '-e', program], {
    env: { NODE_EXTRA_CA_CERTS: lab.paths.tls.cert, TOKEN: readFileSync(lab.paths.token, 'utf8').trim() },
  });
  const { data, message } = JSON.parse(answer.stdout.toString());
  if (message) throw new Error(message);
  return data;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 240_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited too long until ${what}`);
    await sleep(500);
  }
}

const status = async () => ((await api('GET', `${vm}/status/current`)) as { status: string }).status;
const answersSsh = async () => (await lab.ssh('doc2', ['true'])).exitCode === 0;
const on = async (host: string, line: string) => {
  const { exitCode, stdout, stderr } = await lab.ssh(host, ['sh', '-c', line], { timeoutMs: 120_000 });
  if (exitCode !== 0) throw new Error(`${host}: ${line}: ${stderr}`);
  return stdout.toString();
};

/** Pids of this lab's virtiofsd processes. */
function virtiofsd(): number[] {
  const init = findRoom(lab.paths)?.init.pid as number;
  const inside = processesIn(namespaceOf(init, 'pid') as string, 'pid');
  return inside.filter((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'virtiofsd\n');
}

test('podman and the guest agent work in a guest', async () => {
  expect(await on('doc2', 'podman info --format {{.Version.Version}}')).toMatch(/^5\./);
  expect(await api('POST', `${vm}/agent/ping`)).toMatchObject({ result: {} });
});

test('a share is seen in the guest after a power cycle, with ACLs and with datasets mounted later', async () => {
  await on('prom', 'zfs create -o acltype=posixacl -o xattr=sa nvmeprom/containers');
  await api('POST', '/cluster/mapping/dir', { id: 'containers', map: 'node=prom,path=/nvmeprom/containers' });
  await api('PUT', `${vm}/config`, { virtiofs0: 'containers,expose-acl=1' });
  expect(virtiofsd()).toEqual([]);
  await api('POST', `${vm}/status/shutdown`);
  await until('doc2 is off', async () => (await status()) === 'stopped');
  await api('POST', `${vm}/status/start`);
  await until('doc2 answers', answersSsh);
  // A reset is like pulling the plug: what is to survive the next test must be on the disk.
  await on('doc2', 'mkdir -p /mnt/share && sync && mount -t virtiofs containers /mnt/share');
  await on('doc2', 'touch /mnt/share/file && setfacl -m u:5:r /mnt/share/file');
  expect(await on('prom', 'getfacl -cn /nvmeprom/containers/file')).toContain('user:5:r--');
  await on('prom', 'zfs create nvmeprom/containers/later && touch /nvmeprom/containers/later/inside');
  expect(await on('doc2', 'ls /mnt/share/later')).toBe('inside\n');
});

test('a reset keeps QEMU and its virtiofsd, and the guest mounts the share again', async () => {
  const before = virtiofsd();
  expect(before).not.toEqual([]);
  const boot = await on('doc2', 'cat /proc/sys/kernel/random/boot_id');
  await api('POST', `${vm}/status/reset`);
  await until('doc2 has booted anew', async () => {
    const now = await lab.ssh('doc2', ['cat', '/proc/sys/kernel/random/boot_id'], { timeoutMs: 30_000 });
    return now.exitCode === 0 && now.stdout.toString() !== boot;
  });
  await on('doc2', 'mount -t virtiofs containers /mnt/share');
  expect(await on('doc2', 'ls /mnt/share')).toContain('file\n');
  expect(virtiofsd()).toEqual(before);
});

test('a guest that powers off by itself is seen as stopped, and its virtiofsd ends', async () => {
  await lab.ssh('doc2', ['systemctl', 'poweroff', '--no-block']);
  await until('doc2 is off', async () => (await status()) === 'stopped');
  expect(virtiofsd()).toEqual([]);
});

test('disks and datasets survive when a lab is taken up again', async () => {
  await on('prom', 'echo kept >/nvmeprom/containers/kept');
  await lab.down();
  lab = await start(true);
  expect(await on('prom', 'cat /nvmeprom/containers/kept')).toBe('kept\n');
  expect(await on('doc2', 'ls -d /mnt/share')).toBe('/mnt/share\n');
});
