/**
 * The lab's own process inside the room: makes the node `prom`, serves its API, starts the guests through it, and
 * stays until it is told to end. usage: node keeper.ts SETTINGS_FILE
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { MachineStart } from '../contracts.ts';
import { startProxmox } from '../proxmox/index.ts';
import { createQemuMachines } from '../qemu/index.ts';
import { installZfsEmulator } from '../zfs/index.ts';
import { apiClient } from './api-client.ts';
import { apiPort, type GuestName, knownGuests, labPaths, network, nodeName, secondNode } from './layout.ts';
import { nodeVersion, writeNodeFiles } from './node-files.ts';
import { progressWriter, timed } from './progress.ts';
import { provisionScript } from './provision.ts';
import { settingsSchema } from './settings.ts';

const settings = settingsSchema.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));
const paths = labPaths(settings.root);
const say = progressWriter(paths.progress);

/** Guests that the API makes later (clones) get the addresses after the named ones. */
const laterAddresses = new Map<number, string>();

function addressOf(machine: MachineStart): string {
  const known = network.hosts[machine.name as keyof typeof network.hosts];
  let address: string | undefined = known;
  if (address === undefined) {
    address = laterAddresses.get(machine.vmid) ?? `10.77.0.${20 + laterAddresses.size}`;
    laterAddresses.set(machine.vmid, address);
  }
  return `${address}/${network.prefixLength}`;
}

const machines = createQemuMachines({
  kernel: settings.kernel,
  initrd: settings.initrd,
  accelerator: settings.accelerator,
  runFolder: paths.run,
  logFolder: paths.log,
  recordFolder: paths.record,
  nodeRoot: paths.nodeRoot,
  addressOf,
});

/** @param host a name of its own, for a node that is not the room itself */
function startNodeSshd(root: string, name: string, host?: string): ChildProcess {
  const log = openSync(join(paths.log, `${name}-sshd.log`), 'a');
  const sshd = ['chroot', root, '/usr/sbin/sshd', '-D', '-e'];
  const argv =
    host === undefined ? sshd : ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', host, ...sshd];
  const child = spawn(argv[0] as string, argv.slice(1), { stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

/** Resolves when an ssh server greets at the address. */
async function sshGreets(address: string, limitMs: number): Promise<void> {
  const end = Date.now() + limitMs;
  while (Date.now() < end) {
    const greeted = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: address, port: 22 });
      const finish = (answer: boolean) => {
        socket.destroy();
        resolve(answer);
      };
      socket.setTimeout(2_000, () => finish(false));
      socket.on('error', () => finish(false));
      socket.on('data', (chunk) => finish(chunk.toString('latin1').startsWith('SSH-')));
    });
    if (greeted) return;
    await sleep(200);
  }
  throw new Error(`${address} did not answer ssh within ${limitMs / 1000} s`);
}

async function bringUp(name: GuestName, api: ReturnType<typeof apiClient>): Promise<void> {
  const { vmid, address } = knownGuests[name];
  await timed(say, `${name}: booting until it answers ssh`, async () => {
    await api.startGuest(vmid);
    await sshGreets(address, 180_000);
  });
  await timed(say, `${name}: having its sshd record what it is asked`, () =>
    execa('ssh', ['-F', paths.sshConfig, name, 'bash', '-s'], { input: provisionScript(), timeout: 60_000 }),
  );
}

async function startSecondNode(): Promise<void> {
  writeNodeFiles({ name: secondNode, root: paths.secondRoot, key: settings.nodeKey, others: true });
  startNodeSshd(paths.secondRoot, secondNode, secondNode);
  await sshGreets(network.hosts[secondNode], 10_000);
}

async function main(): Promise<void> {
  await timed(say, 'prom: sshd, storage and API', async () => {
    writeNodeFiles({
      name: nodeName,
      root: paths.nodeRoot,
      key: settings.nodeKey,
      others: settings.secondNode,
    });
    await installZfsEmulator(paths.nodeRoot);
    startNodeSshd(paths.nodeRoot, nodeName);
    if (settings.secondNode) await startSecondNode();
    await startProxmox({
      node: nodeName,
      listen: { host: network.hosts.prom, port: apiPort },
      tls: paths.tls,
      stateFolder: paths.pve,
      recordFile: paths.apiRecord,
      nodeRoot: paths.nodeRoot,
      ...(settings.secondNode && {
        otherNodes: [{ name: secondNode, online: true }],
        sharedImages: true,
        nodeRoots: { [secondNode]: paths.secondRoot },
      }),
      imagesFolder: paths.images,
      tokens: [
        { ...settings.tokens.full, privileges: 'root' },
        { ...settings.tokens.audit, privileges: auditPrivileges },
      ],
      machines,
      version: nodeVersion,
    });
    await sshGreets(network.hosts.prom, 10_000);
  });
  const api = apiClient(paths);
  await Promise.all(settings.guests.map((name) => bringUp(name, api)));
  say({ kind: 'ready' });
}

/** Those of Proxmox's role PVEAuditor. */
const auditPrivileges = {
  '/': [
    'Datastore.Audit',
    'Mapping.Audit',
    'Pool.Audit',
    'SDN.Audit',
    'Sys.Audit',
    'VM.Audit',
    'VM.GuestAgent.Audit',
  ],
};

let ending = false;
async function end(status: number): Promise<never> {
  if (!ending) {
    ending = true;
    // Guests end by QEMU's own quit, so that their disks are whole for a later `up --keep`.
    const running = Object.values(knownGuests).map((guest) => guest.vmid);
    await Promise.race([Promise.allSettled(running.map((vmid) => machines.stop(vmid))), sleep(8_000)]);
  }
  process.exit(status);
}

process.on('SIGTERM', () => void end(0));
main().catch((error: Error) => {
  console.error(error);
  say({ kind: 'failed', text: error.message });
  return end(1);
});
