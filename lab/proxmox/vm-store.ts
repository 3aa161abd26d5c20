/** The cluster's VM configurations on disk, read anew for each request. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { died } from './api-error.ts';
import { replaceFile } from './section-config.ts';
import { confDigest, formatVmConf, parseVmConf, type VmConf } from './vm-conf-file.ts';

export interface StoredVm {
  vmid: number;
  node: string;
  conf: VmConf;
  digest: string;
}

export interface VmStore {
  /** @throws ApiError 500 when the VM is not on that node, wherever else it may be */
  read(node: string, vmid: number): StoredVm;
  write(node: string, vmid: number, conf: VmConf): void;
  remove(node: string, vmid: number): void;
  move(vmid: number, from: string, to: string): void;
  /** Of all nodes, in the order of their numbers. */
  all(): StoredVm[];
  find(vmid: number): StoredVm | undefined;
}

export function createVmStore(stateFolder: string, nodes: readonly string[]): VmStore {
  const folder = (node: string) => join(stateFolder, 'nodes', node, 'qemu-server');
  const file = (node: string, vmid: number) => join(folder(node), `${vmid}.conf`);
  const read = (node: string, vmid: number): StoredVm => {
    if (!existsSync(file(node, vmid)))
      throw died(`Configuration file 'nodes/${node}/qemu-server/${vmid}.conf' does not exist`);
    const text = readFileSync(file(node, vmid), 'utf8');
    return { vmid, node, conf: parseVmConf(text), digest: confDigest(text) };
  };
  const all = () =>
    nodes
      .filter((node) => existsSync(folder(node)))
      .flatMap((node) =>
        readdirSync(folder(node))
          .map((name) => /^(\d+)\.conf$/.exec(name)?.[1])
          .filter((id) => id !== undefined)
          .map((id) => read(node, Number(id))),
      )
      .sort((a, b) => a.vmid - b.vmid);
  return {
    read,
    write: (node, vmid, conf) => replaceFile(file(node, vmid), formatVmConf(conf)),
    remove: (node, vmid) => rmSync(file(node, vmid)),
    move: (vmid, from, to) => {
      mkdirSync(folder(to), { recursive: true });
      renameSync(file(from, vmid), file(to, vmid));
    },
    all,
    find: (vmid) => all().find((vm) => vm.vmid === vmid),
  };
}
