import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { Journey } from '../../src/plan/golden-path/facts.ts';
import { createDataset } from '../../src/zfs/commands.ts';
import { maintenanceYaml, marker } from '../support/maintenance-facts.ts';
import type { ZfsUnderTest } from './expectations.ts';
import { openGuest } from './open-guest.ts';
import { dataset, type Node, place, TwoNodes } from './two-nodes.ts';

const enter: Journey = { direction: 'enter', node: 'maint' };
const leave: Journey = { direction: 'leave', node: 'maint' };
const folder = mkdtempSync(join(tmpdir(), 'drayage-'));
let zfs: ZfsUnderTest;
let nodes: TwoNodes;

beforeAll(async () => {
  zfs = await openGuest();
  const yaml = maintenanceYaml
    .replace('{ path: /srv/containers, mounted: true }', '{ dataset: maint/containers }')
    .replaceAll(/ssh: (root@192\.168\.1\.1[23]) /g, 'ssh: $1, sshFromNode: root@prom ');
  const read = parseConfig(yaml, join(folder, 'drayage.yaml'), {});
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  nodes = new TwoNodes(zfs.host, read.config);
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

/** Begins again and again; each time killed one operation later than the time before, until it comes to its end. */
async function killedAgainAndAgain(journey: Journey): Promise<number> {
  for (let at = 1; ; at += 1) {
    const result = await nodes.go(journey, { at, moment: at % 2 === 0 ? 'before' : 'after' });
    expect(nodes.broken).toEqual([]);
    if (result === undefined) continue;
    expect(result.error).toBeUndefined();
    expect(result.exitCode).toBe(0);
    return at;
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

it('brings share and guest to the other node, killed at one operation after the other', async () => {
  expect(await killedAgainAndAgain(enter)).toBeGreaterThan(5);
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
  expect(await killedAgainAndAgain(leave)).toBeGreaterThan(5);
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
