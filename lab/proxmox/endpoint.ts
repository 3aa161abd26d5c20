/** What an endpoint is, and what its handler gets. */
import type { ProxmoxOptions } from '../contracts.ts';
import type { Caller, Permission } from './auth.ts';
import type { ParamTable, Values } from './params.ts';
import type { TaskRunner } from './task-runner.ts';
import type { VmLocks } from './vm-locks.ts';
import type { VmStore } from './vm-store.ts';

/** Knobs beyond the lab's contract; the defaults are Proxmox VE's own. */
export interface ProxmoxTuning {
  /** Wait before a 401 is sent. Default 3000. */
  unauthorizedDelayMs?: number;
  /** Between two looks at a machine that is going down. Default 200. */
  pollMs?: number;
  /** How long a VM's configuration lock is waited for. Default 10000. */
  lockTimeoutMs?: number;
  /** Where the file systems of other nodes are seen; a node without an entry uses `nodeRoot`. */
  nodeRoots?: Readonly<Record<string, string>>;
  /** The images folder is shared storage of all nodes: a migration has no local disk. Default false. */
  sharedImages?: boolean;
  /** How `zpool` of this node is run. Default: `chroot NODEROOT zpool`. */
  zpool?: readonly string[];
}

/** The cluster that all handlers share. */
export interface Cluster {
  options: ProxmoxOptions & ProxmoxTuning;
  vms: VmStore;
  tasks: TaskRunner;
  locks: VmLocks;
  /** Of this node's certificate: `AA:BB:...`, SHA-256. */
  fingerprint: string;
  certificate: string;
  /** Path of directory.cfg. */
  mappingFile: string;
  nodes: readonly { name: string; online: boolean }[];
  /** Prefix under which this process sees a node's files. */
  rootOf(node: string): string;
}

export interface Call {
  cluster: Cluster;
  caller: Caller;
  values: Values;
}

/** An answer with members beside `data`. */
export class Answer {
  readonly data: unknown;
  readonly beside: Readonly<Record<string, unknown>>;

  constructor(data: unknown, beside: Readonly<Record<string, unknown>>) {
    this.data = data;
    this.beside = beside;
  }
}

export interface Endpoint {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As in the official schema: `/nodes/{node}/qemu/{vmid}/config`. */
  path: string;
  params: ParamTable;
  permission: Permission;
  /** Returns `data`, or an `Answer`. */
  handle(call: Call): unknown;
}

/** The path parameters that every call about a VM has, taken out of the verified values. */
export function target(call: Call): { node: string; vmid: number } {
  const node = call.values.text('node');
  return {
    node: node === 'localhost' ? call.cluster.options.node : node,
    vmid: call.values.number('vmid') ?? 0,
  };
}

export const isOnline = (cluster: Cluster, node: string): boolean =>
  cluster.nodes.some(({ name, online }) => name === node && online);
