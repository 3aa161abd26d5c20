import type { TofuMapping, TofuVm } from './tofu/fleet.ts';

/** What the configuration of a virtual machine says in Proxmox VE; undefined: it may not be read. */
export interface SeenVm {
  readonly vmid: number;
  readonly name: string;
  readonly node: string;
  readonly cores?: number;
  readonly memory?: string;
  /** Mapping ids of its virtiofs devices, and whether a change waits for the next stop and start. */
  readonly virtiofs?: readonly { readonly mapping: string; readonly pending: boolean }[];
}

export interface DriftInput {
  readonly vms: readonly TofuVm[];
  readonly mappings: readonly TofuMapping[];
  readonly seen: readonly SeenVm[];
  readonly seenMappings: readonly TofuMapping[];
  /** Resources of the generated files, and of the state; absent: there is no state that could be read. */
  readonly addresses?: { readonly files: readonly string[]; readonly state: readonly string[] };
}

/** Where files, state and cluster do not say the same, in sentences. Pure. */
export function driftOf(input: DriftInput): string[] {
  return [
    ...input.vms.flatMap((vm) => vmDrift(vm, input.seen)),
    ...input.mappings.flatMap((mapping) => mappingDrift(mapping, input.seenMappings)),
    ...addressDrift(input.addresses),
  ];
}

function vmDrift(vm: TofuVm, seen: readonly SeenVm[]): string[] {
  const there = seen.find(({ vmid }) => vmid === vm.vmid);
  const who = `${vm.host} (VM ${vm.vmid})`;
  if (there === undefined) return [`${who} is not in the cluster`];
  const differs = (what: string, wanted: unknown, found: unknown) =>
    wanted === undefined || found === undefined || String(wanted) === String(found)
      ? []
      : [`${who}: ${what} is ${String(found)} in the cluster, and ${String(wanted)} in ${vm.from}`];
  const devices = there.virtiofs;
  return [
    ...differs('the name', vm.name, there.name),
    ...differs('the node', vm.node === '' ? undefined : vm.node, there.node),
    ...differs('the number of cores', vm.cores, there.cores),
    ...differs('the memory', vm.memory, there.memory),
    ...(devices === undefined
      ? []
      : vm.virtiofs
          .filter(({ mapping }) => !devices.some((device) => device.mapping === mapping))
          .map(({ mapping }) => `${who} has no virtiofs device with the mapping ${mapping}`)),
    ...(devices ?? [])
      .filter(({ pending }) => pending)
      .map(
        ({ mapping }) =>
          `${who}: a change of its virtiofs device ${mapping} waits for the next stop and start`,
      ),
  ];
}

function mappingDrift(mapping: TofuMapping, seen: readonly TofuMapping[]): string[] {
  const there = seen.find(({ id }) => id === mapping.id);
  if (there === undefined) return [`the directory mapping ${mapping.id} is not in the cluster`];
  return mapping.entries.flatMap(({ node, path }) => {
    const found = there.entries.find((entry) => entry.node === node);
    if (found === undefined) return [`the mapping ${mapping.id} has no entry for the node ${node}`];
    return found.path === path
      ? []
      : [`the mapping ${mapping.id} has ${found.path} on ${node}; the files say ${path}`];
  });
}

function addressDrift(addresses: DriftInput['addresses']): string[] {
  if (addresses === undefined) return [];
  const { files, state } = addresses;
  return [
    ...files
      .filter((address) => !state.includes(address))
      .map((address) => `the state does not have ${address}: drayage tofu apply`),
    ...state
      .filter((address) => address.startsWith('proxmox_') && !files.includes(address))
      .map((address) => `the state has ${address}, and the files have not`),
  ];
}
