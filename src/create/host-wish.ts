import type { GuestWish } from '../config/config.ts';
import { findHost, namesOf } from '../nix/find-host.ts';
import type { Fleet } from '../nix/fleet.ts';

/** How hosts.nix has a guest; undefined: it does not have it, or not as a virtual machine that is cloned. */
export interface HostWish extends Pick<GuestWish, 'vmName'> {
  readonly vmid: number;
  /** In the form of `create`, not checked yet. */
  readonly create: Readonly<Record<string, unknown>>;
  /** `file:line:column` */
  readonly where: string;
}

/** @throws nix/no-host when the name is that of several hosts */
export function hostWish(fleet: Fleet | undefined, name: string): HostWish | undefined {
  if (fleet?.hosts.some((one) => namesOf(one).includes(name)) !== true) return undefined;
  const { proxmox: vm, where } = findHost(fleet, name);
  const template = fleet.proxmox?.templateVmid;
  if (vm === undefined || !vm.cloneFromTemplate || template === undefined) return undefined;
  const { bridge, model, vlan } = vm.network ?? {};
  const said = {
    storage: vm.storage ?? fleet.proxmox?.defaultStorage,
    disk: vm.diskGib === undefined ? undefined : `${vm.diskGib}G`,
    bios: vm.bios,
    machine: vm.machine,
    net:
      bridge === undefined
        ? undefined
        : { bridge, ...(model === undefined ? {} : { model }), ...(vlan === undefined ? {} : { vlan }) },
    tags: vm.tags,
  };
  return {
    vmid: vm.vmid,
    ...(vm.name === name ? {} : { vmName: vm.name }),
    create: {
      template,
      cores: vm.cores,
      memory: vm.memory,
      ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
    },
    where,
  };
}
