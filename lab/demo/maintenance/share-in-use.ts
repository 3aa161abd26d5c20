import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { conditionsDropIn } from '../../../src/guest/drop-in.ts';
import { bindMountUnit, virtiofsMountUnit } from '../../../src/guest/mount-unit.ts';
import { moveLayout, shareLayout } from '../../../src/plan/share-layout.ts';
import { createDataset } from '../../../src/zfs/commands.ts';
import type { Lab } from '../../index.ts';

export const shareOnProm = '/nvmeprom/containers';
const mount = '/mnt/containers';
const place = '/mnt/docker';
/** Both count: a container made by hand with a restart policy, and a quadlet. */
export const writers = ['writer', 'ticker'] as const;

const services = join(import.meta.dirname, '..', '..', 'services', 'guest');

/**
 * Makes the lab's world as a migration leaves it: a share on prom with data, doc2 with the share mounted, and two
 * containers that append a numbered line every 100 ms. doc2 must not run yet.
 */
export async function putShareInUse(lab: Lab, say: (what: string) => void): Promise<void> {
  await makeShare(lab, say);
  say('doc2: its boot');
  await inRoom(lab, 'start');
  await answering(lab, 'doc2');
  say('doc2: mounts, containers, units');
  await must(lab, 'doc2', ['bash', '-s', 'image'], readFileSync(join(services, 'services.sh'), 'utf8'));
  await must(lab, 'doc2', ['bash', '-s', writerScript()], guestScript());
}

async function inRoom(lab: Lab, mode: 'device' | 'start'): Promise<void> {
  const argv = [process.execPath, join(import.meta.dirname, 'in-room.ts'), mode, lab.paths.root];
  const done = await lab.exec(argv, { timeoutMs: 180_000 });
  if (done.exitCode !== 0) throw new Error(`${mode} of doc2: ${done.stderr}`);
}

/** The share alone: dataset, data, marker and release on prom, the mapping, and the device of doc2, which stays off. */
export async function makeShare(lab: Lab, say: (what: string) => void): Promise<void> {
  say('prom: a share with some thousand files');
  await must(
    lab,
    'prom',
    createDataset('nvmeprom/containers', { acltype: 'posixacl', xattr: 'sa', mountpoint: shareOnProm }),
  );
  await must(lab, 'prom', ['bash', '-s'], shareScript());
  say('the mapping, and the device of doc2');
  await inRoom(lab, 'device');
}

const writerScript = () => readFileSync(join(services, 'writer.sh'), 'utf8');

function shareScript(): string {
  const move = moveLayout(shareOnProm, 'doc1');
  const release = '{"move":"doc1","to":"doc2"}';
  return [
    'set -eu',
    `chown 1000:100 ${shareOnProm}; chmod 0755 ${shareOnProm}`,
    `mkdir -p ${move.folder} ${shareOnProm}/doc1/writer ${shareOnProm}/doc1/ticker`,
    `echo '{"share":"containers","uuid":"3f1d2c5a-0000-8000-8000-00000000c0de","dataset":"nvmeprom/containers"}' >${shareLayout(shareOnProm).marker}`,
    `echo '${release}' >${move.handedOver}; echo '${release}' >${move.released}`,
    `echo '{"move":"doc1","from":{"guest":"doc1","path":"${place}"}}' >${move.claim}`,
    `cd ${shareOnProm}/doc1; for d in $(seq 40); do mkdir -p files/$d; for f in $(seq 50); do echo "$d $f" >files/$d/$f; done; done`,
    'ln files/1/1 files/2/hard; setfacl -m u:1000:rw files/1/2; setfattr -n user.lab -v yes files/1/3',
    '',
  ].join('\n');
}

function guestScript(): string {
  const marker = shareLayout(mount).marker;
  const units = [
    virtiofsMountUnit({ tag: 'containers', mount }),
    bindMountUnit({ from: `${mount}/doc1`, at: place, shareMount: mount, marker }),
  ];
  const conditions = conditionsDropIn({ path: place, marker, released: moveLayout(mount, 'doc1').released });
  const file = (path: string, text: string) => `cat >${path} <<'LAB-END'\n${text}LAB-END\n`;
  const quadlet = [
    '[Container]',
    'ContainerName=ticker',
    'Image=localhost/lab/app:1',
    'Network=none',
    `Volume=${place}/ticker:/data`,
    'Exec=/bin/sh /data/run.sh',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
  return [
    'set -eu\n',
    `mkdir -p ${mount} ${place}; chattr +i ${mount} ${place}\n`,
    ...units.map((unit) => file(unit.path, unit.content)),
    'systemctl daemon-reload\n',
    `systemctl --quiet enable --now ${units.map(({ name }) => `'${name}'`).join(' ')}\n`,
    `printf %s "$1" >${place}/ticker/run.sh\n`,
    'mkdir -p /etc/containers/systemd /etc/systemd/system/ticker.service.d\n',
    file('/etc/containers/systemd/ticker.container', quadlet),
    file('/etc/systemd/system/ticker.service.d/50-drayage.conf', conditions),
    'systemctl daemon-reload\n',
    'systemctl --quiet enable podman-restart.service\n',
    'systemctl start ticker.service\n',
    `podman run -d --name writer --restart=always --network none -v ${place}/writer:/data localhost/lab/writer:1 sh -c "$1"\n`,
  ].join('');
}

/** Resolves when the guest's boot has ended. */
export async function answering(lab: Lab, host: string): Promise<void> {
  for (const end = Date.now() + 240_000; Date.now() < end; await sleep(1_000)) {
    const asked = await lab.ssh(host, ['systemctl', 'is-system-running', '--wait'], { timeoutMs: 120_000 });
    if (asked.stdout.length > 0) return;
  }
  throw new Error(`${host} did not answer ssh within four minutes`);
}

export async function must(lab: Lab, host: string, argv: string[], input?: string): Promise<Buffer> {
  const { exitCode, stdout, stderr } = await lab.ssh(host, argv, input === undefined ? {} : { input });
  if (exitCode !== 0)
    throw new Error(`${host}: ${argv.slice(0, 3).join(' ')} ended with ${exitCode}:\n${stderr}`);
  return stdout;
}
