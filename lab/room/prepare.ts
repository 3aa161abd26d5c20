import { randomUUID, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { BuiltGuest } from '../image/build.ts';
import { drayageConfigText } from './drayage-config.ts';
import {
  apiPort,
  diskPath,
  type GuestName,
  knownGuests,
  type LabPaths,
  network,
  nodeName,
} from './layout.ts';
import type { RoomSettings } from './settings.ts';
import { knownHostsText, sshConfigText } from './ssh-files.ts';
import { prepareTemplate } from './template.ts';
import { vmConfigText } from './vm-config.ts';

/** Token ids of the lab: one that may do everything, one that may only look. */
export const tokenIds = { full: 'root@pam!drayage', audit: 'audit@pve!drayage' } as const;

/**
 * Lays out the state folder for a room that is about to start: certificate, tokens, ssh files, disks, VM
 * configurations. Fresh disks and an empty pool, unless `keep` is set and they are there. A fresh doc1 stands on the disk
 * `prepared`, a qcow2 file, where one is given.
 */
export async function prepareState(
  paths: LabPaths,
  image: BuiltGuest,
  options: {
    guests: readonly GuestName[];
    secondNode: boolean;
    accelerator: 'kvm' | 'tcg';
    keep: boolean;
    prepared?: string;
    /** A template, and no guests of the lab's own. */
    template?: boolean;
  },
): Promise<void> {
  removeState(paths, options.keep ? 'run' : 'data');
  for (const folder of [paths.root, paths.tls.folder, paths.log, paths.record, paths.run, paths.images])
    mkdirSync(folder, { recursive: true });
  await makeCertificate(paths);
  const tokens = {
    full: { id: tokenIds.full, secret: writeToken(paths.token, tokenIds.full) },
    audit: { id: tokenIds.audit, secret: writeToken(paths.auditToken, tokenIds.audit) },
  };
  writeFileSync(paths.sshConfig, sshConfigText({ knownHosts: paths.knownHosts, identity: image.sshKey }));
  writeFileSync(paths.knownHosts, knownHostsText(readFileSync(image.guestHostKeyPub, 'utf8')));
  writeFileSync(
    paths.drayageConfig,
    drayageConfigText({
      endpoint: `https://${network.hosts.prom}:${apiPort}`,
      fingerprint: new X509Certificate(readFileSync(paths.tls.cert)).fingerprint256,
      tokenFile: paths.token,
      sshConfig: paths.sshConfig,
      secondNode: options.secondNode,
    }),
  );
  if (options.template === true) await prepareTemplate(paths, image.baseImage);
  const known = options.template === true ? options.guests : (Object.keys(knownGuests) as GuestName[]);
  for (const name of known) {
    const below: Below =
      name === 'doc1' && options.prepared !== undefined
        ? { format: 'qcow2', file: options.prepared }
        : { format: 'raw', file: image.baseImage };
    await prepareGuest(paths, below, name);
  }
  const settings: RoomSettings = {
    root: paths.root,
    guests: [...options.guests],
    secondNode: options.secondNode,
    kernel: image.kernel,
    initrd: image.initrd,
    accelerator: options.accelerator,
    nodeKey: image.nodeKey,
    tokens,
  };
  writeFileSync(paths.settings, JSON.stringify(settings), { mode: 0o600 });
}

/**
 * Removes what an earlier lab left in the state folder, by name: nothing that the lab did not make is touched.
 * `run`: what belongs to one run; `data`: also disks, pool, and what drayage remembers of them; `all`: also keys,
 * tokens, certificate; `all-but-evidence`: all except logs, records, drayage.yaml and what drayage wrote beside it.
 */
export function removeState(paths: LabPaths, extent: 'run' | 'data' | 'all' | 'all-but-evidence'): void {
  const run = [paths.run, paths.roomFile, paths.settings];
  const records = [paths.log, paths.record];
  const data = [paths.images, paths.pve, paths.pool, paths.node, paths.second, paths.secondStorage];
  const keys = [
    paths.tls.folder,
    paths.token,
    paths.auditToken,
    paths.sshConfig,
    paths.knownHosts,
    paths.lockFile,
  ];
  const names = {
    run: [...run, ...records],
    data: [...run, ...records, ...data, paths.drayageState],
    all: [...run, ...records, ...data, paths.drayageState, ...keys, paths.drayageConfig],
    'all-but-evidence': [...run, ...data, ...keys],
  }[extent];
  for (const name of names) rmSync(name, { recursive: true, force: true });
}

async function makeCertificate(paths: LabPaths): Promise<void> {
  if (existsSync(paths.tls.cert)) return;
  await execa('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', '825', '-subj', `/CN=${nodeName}`],
    ...['-addext', `subjectAltName=DNS:${nodeName},DNS:localhost,IP:${network.hosts.prom}`],
    ...['-keyout', paths.tls.key, '-out', paths.tls.cert],
  ]);
  chmodSync(paths.tls.key, 0o600);
}

/** Writes `USER@REALM!NAME=SECRET` and returns the secret; an existing token stays. */
function writeToken(file: string, id: string): string {
  if (existsSync(file)) {
    const secret = readFileSync(file, 'utf8').trim().split('=')[1];
    if (secret) return secret;
  }
  const secret = randomUUID();
  writeFileSync(file, `${id}=${secret}\n`, { mode: 0o600 });
  return secret;
}

/** What a guest's disk is an overlay of. */
interface Below {
  format: 'raw' | 'qcow2';
  file: string;
}

async function prepareGuest(paths: LabPaths, below: Below, name: GuestName): Promise<void> {
  const { vmid } = knownGuests[name];
  const disk = diskPath(paths, vmid);
  if (!existsSync(disk)) {
    mkdirSync(dirname(disk), { recursive: true });
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', below.format, '-b', below.file, disk]);
  }
  const config = join(paths.pve, 'nodes', nodeName, 'qemu-server', `${vmid}.conf`);
  if (!existsSync(config)) {
    mkdirSync(dirname(config), { recursive: true });
    writeFileSync(config, vmConfigText(name));
  }
}
