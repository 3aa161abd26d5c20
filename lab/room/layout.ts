import { join, resolve } from 'node:path';

/** Addresses of the lab's own network; it exists only inside the room. */
export const network = {
  bridge: 'vmbr0',
  prefixLength: 24,
  /** Host number within 10.77.0.0/24 of every machine that has a name. */
  hosts: {
    prom: '10.77.0.1',
    maint: '10.77.0.2',
    doc1: '10.77.0.11',
    doc2: '10.77.0.12',
    igpu2: '10.77.0.13',
  },
} as const;

export const apiPort = 8006;
export const nodeName = 'prom';
/** The second node, for maintenance of the first; only where it is asked for. */
export const secondNode = 'maint';
/** Where the second node has its storage: a plain directory on a file system of its own. */
export const secondStorage = '/srv/containers';
export const poolName = 'nvmeprom';
/** Where the pool's btrfs is mounted on the node, for the zfs emulator alone. */
export const poolFolder = '/var/lib/drayage-lab/pool';

/** The guests that a lab can start, with the numbers they have in Proxmox. */
export const knownGuests = {
  doc1: { vmid: 104, address: network.hosts.doc1, memoryMiB: 1024 },
  doc2: { vmid: 114, address: network.hosts.doc2, memoryMiB: 1024 },
} as const;

export type GuestName = keyof typeof knownGuests;

export const isGuestName = (name: string): name is GuestName => Object.hasOwn(knownGuests, name);

/** Ethernet address of a guest's card, in Proxmox's own range, ending in the guest's host number. */
export function macOf(name: GuestName): string {
  const host = Number(knownGuests[name].address.split('.').at(-1));
  return `BC:24:11:00:00:${host.toString(16).padStart(2, '0').toUpperCase()}`;
}

/** The state folder's layout. Everything the lab leaves behind lies in it, under these names. */
export function labPaths(folder: string) {
  const root = resolve(folder);
  const at = (...parts: string[]) => join(root, ...parts);
  return {
    root,
    /** The running room: its init's pid, as seen from outside. */
    roomFile: at('room.json'),
    lockFile: at('up.lock'),
    settings: at('settings.json'),
    sshConfig: at('ssh_config'),
    knownHosts: at('known_hosts'),
    tls: { folder: at('tls'), key: at('tls', 'key.pem'), cert: at('tls', 'cert.pem') },
    token: at('token'),
    auditToken: at('token-audit'),
    drayageConfig: at('drayage.yaml'),
    /** What drayage remembers: marks, runs. It is about the disks of this lab and no others. */
    drayageState: at('.drayage'),
    images: at('images'),
    pve: at('pve'),
    pool: at('pool.img'),
    /** Upper and work folder of the node's root. */
    node: at('node'),
    /** The same of the second node, and its storage. */
    second: at('second'),
    secondStorage: at('second.img'),
    /** Sockets and mount points of the running room. */
    run: at('run'),
    nodeRoot: at('run', 'prom'),
    secondRoot: at('run', secondNode),
    log: at('log'),
    progress: at('log', 'progress.jsonl'),
    roomLog: at('log', 'room.log'),
    record: at('record'),
    apiRecord: at('record', 'api.jsonl'),
  };
}

export type LabPaths = ReturnType<typeof labPaths>;

/** Where `npm run lab` keeps its state: `.lab`, or the folder that DRAYAGE_LAB_DIR names. */
export const defaultLabFolder = () => resolve(process.env.DRAYAGE_LAB_DIR ?? '.lab');

export const diskPath = (paths: LabPaths, vmid: number) =>
  join(paths.images, String(vmid), `vm-${vmid}-disk-0.qcow2`);
