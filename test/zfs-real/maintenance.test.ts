import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { readShare } from '../../src/inspect/share.ts';
import type { Journey } from '../../src/plan/golden-path/facts.ts';
import { createDataset } from '../../src/zfs/commands.ts';
import { maintenanceYaml, marker } from '../support/maintenance-facts.ts';
import type { ZfsUnderTest } from './expectations.ts';
import { openGuest } from './open-guest.ts';
import { type Node, TwoNodes } from './two-nodes.ts';

const enter: Journey = { direction: 'enter', node: 'maint' };
const leave: Journey = { direction: 'leave', node: 'maint' };
const place = { prom: '/nvmeprom/containers', maint: '/maint/containers' };
const dataset = { prom: 'nvmeprom/containers', maint: 'maint/containers' };
const folder = mkdtempSync(join(tmpdir(), 'drayage-'));
let zfs: ZfsUnderTest;
let nodes: TwoNodes;

/** The sample with a dataset on the other node; each node reaches the other one as root@prom. */
function configOf(name: string, change: (yaml: string) => string = (yaml) => yaml) {
  const yaml = maintenanceYaml
    .replace('{ path: /srv/containers, mounted: true }', '{ dataset: maint/containers }')
    .replaceAll(/ssh: (root@192\.168\.1\.1[23]) /g, 'ssh: $1, sshFromNode: root@prom ');
  // State lies beside it: each has its own.
  mkdirSync(join(folder, name));
  const read = parseConfig(change(yaml), join(folder, name, 'drayage.yaml'), {});
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read.config;
}

beforeAll(async () => {
  zfs = await openGuest();
  nodes = new TwoNodes(zfs.host, configOf('plain'), { place, dataset });
  await nodes.shell(
    [
      // Each node reaches the other one, which is the same machine.
      'ip link set lo up; sed -i "/ prom$/d" /etc/hosts; echo 127.0.0.1 prom >>/etc/hosts',
      'ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_ed25519; cat /root/.ssh/id_ed25519.pub >>/root/.ssh/authorized_keys',
      'echo "prom $(cut -d " " -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)" >/root/.ssh/known_hosts',
      'truncate -s 600M /root/maint.img; zpool create -m /maint maint /root/maint.img',
    ].join('\n'),
  );
  await zfs.host.run(
    createDataset(dataset.prom, {
      acltype: 'posixacl',
      xattr: 'sa',
      recordsize: '16K',
      mountpoint: place.prom,
    }),
  );
  await nodes.shell(
    [
      `cd ${place.prom}; mkdir -p .drayage/moves/docker docker; echo '${marker}' >.drayage/share.json`,
      'for n in $(seq 40); do mkdir docker/$n; for m in 1 2 3 4 5; do echo $n $m >docker/$n/$m; done; done',
      'head -c 60M /dev/urandom >docker/big; ln docker/1/1 docker/hard; setfacl -m u:1000:rw docker/1/2; setfattr -n user.lab -v yes docker/1/3',
      'truncate -s 20M docker/sparse; mkfifo docker/pipe; touch "docker/$(printf "a\\nb")"; chown 100999:100 docker/2',
      `zfs snapshot ${dataset.prom}@theirs`,
    ].join('\n'),
  );
}, 1_800_000);
afterAll(async () => {
  await zfs?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything but drayage's own folder: kinds, owners, times, links, contents, ACLs, attributes. */
const listing = (node: Node) =>
  nodes.shell(
    [
      `cd ${place[node]}`,
      'all() { find . -path ./.drayage -prune -o -path ./.zfs -prune -o "$@"; }',
      'all -mindepth 1 -printf "%p %y %m %U:%G %s %T@ %n %l\\n" | sort',
      'all -type f -print0 | sort -z | xargs -0 sha256sum',
      'all -print0 | sort -z | xargs -0 getfacl -np',
      'all -print0 | sort -z | xargs -0 getfattr -dh',
    ].join('\n'),
  );
const numbers = async (node: Node) =>
  (await nodes.shell(`cat ${place[node]}/docker/log`)).trim().split('\n').map(Number);
const snapshots = async (node: Node) =>
  (await nodes.shell(`zfs list -H -o name -t snapshot -s createtxg ${dataset[node]} | cut -d @ -f 2`))
    .trim()
    .split('\n');
const shown = (node: Node, names: string) =>
  nodes.shell(`zfs get -Hp -o value ${names} ${dataset[node]}`).then((text) => text.trim().split('\n'));

/** The stop of a guest begins anew until the guest is off: a run that is always killed in it would never come to its end. */
const operationsOfAStop = 4;

/**
 * Begins again and again. Before the window each run is killed three operations later than the one before; in the window, where
 * a run goes on where it was, at one of its next operations, before or after it is made.
 */
async function killedAgainAndAgain(journey: Journey): Promise<number> {
  for (let run = 1; ; run += 1) {
    const moment = run % 2 === 0 ? 'before' : 'after';
    const at = (await nodes.windowIsOpen()) ? 2 + (run % operationsOfAStop) : 3 * run - 2;
    const result = await nodes.go(journey, { at, moment });
    expect(nodes.broken).toEqual([]);
    if (result === undefined) continue;
    expect(result.error).toBeUndefined();
    expect(result.exitCode).toBe(0);
    process.stderr.write(`${journey.direction}: killed ${run - 1} times: ${nodes.killed.join('; ')}\n`);
    return run;
  }
}

async function arrivedOn(node: Node, other: Node): Promise<void> {
  expect(nodes.vm).toEqual({ node, running: true, workloads: true });
  await nodes.live('the end');
  const { lines } = nodes;
  expect(await numbers(node)).toEqual(Array.from({ length: lines }, (_, index) => index + 1));
  expect(await shown(node, 'mounted,mountpoint,readonly')).toEqual(['yes', place[node], 'off']);
  // The old place is the snapshot that both keep, and nothing else.
  expect(await shown(other, 'mounted,mountpoint,readonly,written')).toEqual(['yes', place[other], 'on', '0']);
  const kept = (await snapshots(node)).filter((name) => name.startsWith('drayage-'));
  expect(kept).toHaveLength(1);
  expect((await snapshots(other)).filter((name) => name.startsWith('drayage-'))).toEqual(kept);
  const guids = [node, other].map((each) => `${dataset[each]}@${kept[0]}`).join(' ');
  const [one, two] = (await nodes.shell(`zfs get -Hp -o value guid ${guids}`)).trim().split('\n');
  expect(one).toBe(two);
  expect(await nodes.shell(`zfs holds -H ${guids} | cut -f 2`)).toBe('drayage\ndrayage\n');
}

it('is chosen by the plan, which says why', async () => {
  const { plan } = await nodes.planned(enter);
  expect(plan.notes.join('\n')).toContain(
    'is carried by zfs send from prom:nvmeprom/containers to maint:maint/containers: maint:maint/containers does not exist yet',
  );
});

it('goes on with the first stream after a cut in its middle', async () => {
  let cut = false;
  nodes.before = async (what) => {
    if (cut || !what.startsWith('send it to maint')) return;
    cut = true;
    // Ends the sender when some of it has arrived.
    await nodes.shell(
      `(exec >/dev/null 2>&1; until [ "$(zfs get -Hp -o value written ${dataset.maint})" -gt 5000000 ]; do sleep 0.1; done; pkill -f "^zfs send -L") &`,
    );
  };
  const result = await nodes.go(enter);
  nodes.before = async () => undefined;
  expect(String(result?.error)).toContain('zfs');
  expect(result?.exitCode).not.toBe(0);
  const [token, written] = await shown('maint', 'receive_resume_token,written');
  expect(token).toMatch(/^1-/);
  expect(Number(written)).toBeGreaterThan(5_000_000);
  const { plan } = await nodes.planned(enter);
  const seed = plan.steps.find(({ id }) => id.startsWith('seed '));
  expect(seed?.operations[0]?.what).toBe('go on with @drayage-maintenance-1, which was cut off');
  expect(await nodes.shell(`ls -A ${place.maint}`)).toBe('');
});

it('takes the window back when the last stream before the hand-over fails', async () => {
  nodes.before = async (what) => {
    if (what.endsWith('held: the state at rest')) await nodes.shell('mv /root/.ssh/id_ed25519 /root/key');
  };
  const result = await nodes.go(enter);
  nodes.before = async () => undefined;
  await nodes.shell('mv /root/key /root/.ssh/id_ed25519');
  expect(result?.exitCode).toBe(7);
  expect(nodes.vm).toEqual({ node: 'prom', running: true, workloads: true });
  expect(await nodes.shell(`ls -A ${place.maint}`)).toBe('');
  expect(nodes.broken).toEqual([]);
});

it('brings share and guest to the other node, killed at one operation after the other', async () => {
  expect(await killedAgainAndAgain(enter)).toBeGreaterThan(8);
  await arrivedOn('maint', 'prom');
  expect(await snapshots('prom')).toContain('theirs');
  expect(nodes.map).toContain('node=maint,path=/maint/containers');
  expect(await shown('maint', 'acltype,recordsize')).toEqual(['posix', '16384']);
  const old = (await listing('prom')).replaceAll(/^.*docker\/log.*$/gm, '');
  expect((await listing('maint')).replaceAll(/^.*docker\/log.*$/gm, '')).toBe(old);
}, 900_000);

it('does nothing when it is asked for again', async () => {
  const { lines } = nodes;
  const result = await nodes.go(enter);
  expect(result?.error).toBeUndefined();
  expect(nodes.lines).toBe(lines);
});

it('comes back as an increment from what both have, killed at one operation after the other', async () => {
  await nodes.shell(
    `cd ${place.maint}/docker; mv 1 moved; rm -r 2; echo new >3/1; mkdir -m 0700 more; ln -s ../moved more/link; rm hard; head -c 1M /dev/urandom | dd of=big conv=notrunc bs=1M seek=10 status=none`,
  );
  const { plan } = await nodes.planned(leave);
  expect(plan.notes.join('\n')).toMatch(
    /both have @drayage-maintenance-\d+, so only what changed since then/,
  );
  // While the share is on its way back, its own node shows nothing that could be taken for it.
  expect(await nodes.go(leave, { at: 5, moment: 'after' })).toBeUndefined();
  const share = nodes.config.shares.containers;
  if (share === undefined) throw new Error('no share');
  const seen = (await readShare(nodes.hosts('prom'), share, [])).share;
  expect(seen.elsewhere).toBe('nvmeprom/containers has no mount point and is read-only');
  expect(seen.marker).toBeUndefined();
  expect(await killedAgainAndAgain(leave)).toBeGreaterThan(8);
  await arrivedOn('prom', 'maint');
  expect(await snapshots('prom')).toContain('theirs');
  const old = (await listing('maint')).replaceAll(/^.*docker\/log.*$/gm, '');
  expect((await listing('prom')).replaceAll(/^.*docker\/log.*$/gm, '')).toBe(old);
}, 900_000);

it('leaves a standby alone that somebody has written to, and says why rsync takes its place', async () => {
  await nodes.shell(
    `zfs set readonly=off ${dataset.maint}; echo mine >${place.maint}/mine; zfs set readonly=on ${dataset.maint}; sync`,
  );
  const { plan } = await nodes.planned(enter);
  expect(plan.notes.join('\n')).toMatch(
    /is copied by rsync .*: maint:maint\/containers was written to since its newest snapshot/,
  );
  expect(await nodes.shell(`cat ${place.maint}/mine`)).toBe('mine\n');
});

it('lets a standby go as a whole, and says what goes with it that it did not bring', async () => {
  const plan = await nodes.forgotten(leave);
  expect(plan.blockers).toEqual([]);
  const command = /zfs diff \S+ \S+$/m.exec(plan.notes.join('\n'))?.[0];
  expect(await nodes.shell(`${command}`)).toContain(`+\t${place.maint}/mine\n`);
  const result = await nodes.go(leave, undefined, plan);
  expect(result?.error).toBeUndefined();
  expect(await nodes.shell('zfs list -H -o name -t all -r maint')).toBe('maint\n');
  expect(await snapshots('prom')).toEqual(['theirs']);
  expect(nodes.map).toEqual(['node=other,path=/tank/theirs', 'node=prom,path=/nvmeprom/containers']);
});

it('carries an encrypted share there and back as it is stored, and asks for its key before the downtime', async () => {
  const vault = {
    place: { prom: '/nvmeprom/vault', maint: '/maint/vault' },
    dataset: { prom: 'nvmeprom/keys/vault', maint: 'maint/vault' },
  };
  const config = configOf('vault', (yaml) =>
    yaml
      .replace('dataset: nvmeprom/containers', 'dataset: nvmeprom/keys/vault\n    path: /nvmeprom/vault')
      .replace('dataset: maint/containers', 'dataset: maint/vault'),
  );
  const locked = new TwoNodes(zfs.host, config, vault);
  await locked.shell(
    [
      'echo 12345678 | zfs create -o encryption=on -o keyformat=passphrase -o mountpoint=none nvmeprom/keys',
      `zfs create -o acltype=posixacl -o xattr=sa -o mountpoint=${vault.place.prom} ${vault.dataset.prom}`,
      `cd ${vault.place.prom}; mkdir -p .drayage docker; echo '${marker}' >.drayage/share.json; echo secret >docker/s`,
    ].join('\n'),
  );
  for (const [journey, node, other] of [
    [enter, 'maint', 'prom'],
    [leave, 'prom', 'maint'],
  ] as const) {
    const asked = await locked.go(journey);
    expect(asked?.error).toMatchObject({
      code: 'apply/by-hand',
      seen: expect.stringContaining(`On ${node}: zfs load-key ${vault.dataset[node]}`),
    });
    expect(locked.vm).toEqual({ node: other, running: true, workloads: true });
    await locked.shell(`echo 12345678 | zfs load-key ${vault.dataset[node]}`);
    const result = await locked.go(journey);
    expect(result?.error).toBeUndefined();
    expect(locked.vm).toEqual({ node, running: true, workloads: true });
    expect(locked.broken).toEqual([]);
    await locked.live('the end');
    const log = (await locked.shell(`cat ${vault.place[node]}/docker/log`)).trim().split('\n');
    expect(log.map(Number)).toEqual(Array.from({ length: locked.lines }, (_, index) => index + 1));
    expect(await locked.shell(`zfs get -Hp -o value encryption ${vault.dataset[node]}`)).not.toBe('off\n');
  }
  expect(await locked.shell(`cat ${vault.place.prom}/docker/s`)).toBe('secret\n');
});
