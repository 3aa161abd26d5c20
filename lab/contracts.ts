/** What the lab's parts promise each other: the image, the machines, and the Proxmox emulator that powers them. */

/** What a guest boots from, as left in the cache by `ensureGuestArtifacts` (lab/image/build.ts). */
export interface GuestArtifacts {
  kernel: string;
  initrd: string;
  /** Raw ext4, root file system without partition table. */
  baseImage: string;
  /** ext4 image usable for a read-only loop mount as prom's lower layer; may equal `baseImage`. */
  rootTree: string;
  /** Path of the lab's private key. */
  sshKey: string;
  guestHostKeyPub: string;
}

/** One `virtiofsN` device of a machine: one virtiofsd process for each start of QEMU. */
export interface VirtiofsDevice {
  index: number;
  tag: string;
  /** Path on the node. */
  sharedDirectory: string;
  xattr: boolean;
  posixAcl: boolean;
  directIo: boolean;
  cache?: 'auto' | 'always' | 'metadata' | 'never';
}

export interface MachineStart {
  vmid: number;
  name: string;
  memoryMiB: number;
  cores: number;
  /** Paths of qcow2 files, in the order of the guest's disks. */
  disks: string[];
  nics: { mac: string; bridge: string }[];
  virtiofs: VirtiofsDevice[];
  /** Whether the guest gets the agent's serial port. */
  agent: boolean;
  /** Root of the node it starts on, where that is not the first node. */
  nodeRoot?: string;
}

/** The power state of the lab's guests. Belongs to the Proxmox emulator alone. */
export interface Machines {
  /** Resolves when QEMU runs; rejects with the message Proxmox would show. */
  start(machine: MachineStart): Promise<void>;
  /** Hard stop. */
  stop(vmid: number): Promise<void>;
  /** ACPI; resolves when asked, not when down. */
  powerdown(vmid: number): Promise<void>;
  reset(vmid: number): Promise<void>;
  running(vmid: number): { pid: number; uptimeSeconds: number } | undefined;
  /** QEMU ended by itself (guest poweroff). */
  onExit(listener: (vmid: number) => void): void;
  /** QGA over its socket; throws AgentNotRunning. */
  agent(vmid: number, command: string, args?: unknown, timeoutMs?: number): Promise<unknown>;
}

/** What `startProxmox` (lab/proxmox/) needs to be a node's API. */
export interface ProxmoxOptions {
  node: string;
  otherNodes?: { name: string; online: boolean }[];
  listen: { host: string; port: number };
  tls: { key: string; cert: string };
  /** What /etc/pve and the task logs would hold. */
  stateFolder: string;
  /** JSONL: one line per request: time, method, path, params, tokenid, status. */
  recordFile: string;
  /** Prefix where the node's file system is seen by this process: path checks of mappings use join(nodeRoot, path). */
  nodeRoot: string;
  imagesFolder: string;
  tokens: {
    /** user@realm!name */
    id: string;
    secret: string;
    /** ACL path -> privileges. */
    privileges: Record<string, string[]> | 'root';
  }[];
  machines: Machines;
  version?: { version: string; release: string; repoid: string };
}
