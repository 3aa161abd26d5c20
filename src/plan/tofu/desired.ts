import type { Config, GuestWish, ShareConfig } from '../../config/config.ts';
import type { ClusterFindings } from '../../inspect/findings.ts';
import type { Fleet, FleetHost, FleetVm } from '../../nix/fleet.ts';
import type { Existing, ExistingVm, Origin, TofuMapping, TofuVirtiofs, TofuVm } from './fleet.ts';
import { resourceName } from './names.ts';
import type { Previous } from './previous.ts';
import { mappingTypes, vmType } from './provider.ts';

/** What the state of OpenTofu has: address -> whether a `clone` block made it. */
export type Tracked = ReadonlyMap<string, { readonly cloned: boolean }>;

/**
 * The virtual machines that OpenTofu shall keep: those of hosts.nix that are not `readonly`, the guests of drayage.yaml with
 * `create`, and, without a hosts.nix, its other guests; each with the shares that the moves give it.
 */
export function desiredVms(config: Config, fleet: Fleet | undefined, existing: Existing): TofuVm[] {
  const fromFleet = (fleet?.hosts ?? []).flatMap((host) => {
    const vm = host.proxmox;
    return vm === undefined || vm.readonly ? [] : [fleetVm(config, fleet as Fleet, host, vm)];
  });
  const known = new Set((fleet?.hosts ?? []).flatMap(({ proxmox }) => (proxmox ? [proxmox.vmid] : [])));
  const wishes = Object.values(config.wishes).flatMap((wish) =>
    wish.vmid === undefined || known.has(wish.vmid)
      ? []
      : [wishVm(config, { ...wish, vmid: wish.vmid }, existing)],
  );
  for (const { vmid } of wishes) known.add(vmid);
  const guests = Object.values(config.guests).filter(({ vmid }) => !known.has(vmid));
  // With a hosts.nix, what it does not describe is not OpenTofu's.
  const fromGuests = fleet === undefined ? guests.flatMap((guest) => guestVm(config, guest, existing)) : [];
  return [...fromFleet, ...wishes, ...fromGuests];
}

function fleetVm(config: Config, fleet: Fleet, { attribute, hostname }: FleetHost, vm: FleetVm): TofuVm {
  const defaults = fleet.proxmox;
  const storage = vm.storage ?? defaults?.defaultStorage;
  const template = vm.cloneFromTemplate ? defaults?.templateVmid : undefined;
  return {
    host: attribute,
    from: 'hosts.nix',
    name: vm.name,
    vmid: vm.vmid,
    node: vm.node ?? defaults?.node ?? '',
    cores: vm.cores,
    memory: vm.memory,
    ...(vm.cpuType === undefined ? {} : { cpuType: vm.cpuType }),
    ...(vm.bios === undefined ? {} : { bios: vm.bios }),
    ...(vm.machine === undefined ? {} : { machine: vm.machine }),
    ...(vm.diskGib === undefined
      ? {}
      : { disk: { gib: vm.diskGib, interface: vm.diskInterface ?? 'virtio0' } }),
    ...(storage === undefined ? {} : { storage }),
    ...(vm.network === undefined ? {} : { network: vm.network }),
    ...(template === undefined ? {} : { template }),
    ...(vm.description === undefined ? {} : { description: vm.description }),
    ...(vm.tags === undefined ? {} : { tags: vm.tags }),
    defaults: {
      description: `Managed by OpenTofu - ${hostname}`,
      tags: ['managed', 'nixos', 'opentofu'],
    },
    ignoreInit: vm.ignoreInit,
    ignore: vm.ignoreChangesExtra,
    virtiofs: withShares(config, vm.vmid, vm.virtiofs),
    holdsData: isSource(config, vm.vmid),
  };
}

/** A guest that drayage makes. Its first disk is the template's, grown by drayage: which bus it has is not known here. */
function wishVm(config: Config, wish: GuestWish & { vmid: number }, existing: Existing): TofuVm {
  const { name, vmid, create } = wish;
  const there = existing.vms[String(vmid)];
  const share = Object.values(config.moves).find((move) => move.to.guest === name)?.to.share;
  const node = share === undefined ? Object.keys(config.nodes)[0] : config.shares[share]?.node;
  const { net } = create;
  return {
    host: name,
    from: 'drayage.yaml',
    name: there?.name ?? name,
    vmid,
    node: there?.node ?? node ?? '',
    template: create.template,
    ...(create.cores === undefined ? {} : { cores: create.cores }),
    ...(create.memory === undefined ? {} : { memory: create.memory }),
    ...(create.storage === undefined ? {} : { storage: create.storage }),
    ...(create.bios === undefined ? {} : { bios: create.bios }),
    ...(create.machine === undefined ? {} : { machine: create.machine }),
    ...(net === undefined
      ? {}
      : {
          network: {
            bridge: net.bridge,
            model: net.model,
            ...(net.vlan === undefined ? {} : { vlan: net.vlan }),
          },
        }),
    ...(create.tags === undefined ? {} : { tags: create.tags }),
    onBoot: create.onboot,
    defaults: { description: `Managed by OpenTofu - ${name}`, tags: ['managed', 'opentofu'] },
    ignoreInit: create.cloudInit !== undefined,
    ignore: [],
    virtiofs: withShares(config, vmid, []),
    holdsData: isSource(config, vmid),
  };
}

/** A guest that is only named and numbered exists: everything else is as the cluster has it. */
function guestVm(config: Config, guest: Config['guests'][string], existing: Existing): TofuVm[] {
  const there = existing.vms[String(guest.vmid)];
  return [
    {
      host: guest.name,
      from: 'drayage.yaml',
      name: there?.name ?? guest.name,
      vmid: guest.vmid,
      node: there?.node ?? '',
      defaults: { description: `Managed by OpenTofu - ${guest.name}`, tags: ['managed', 'opentofu'] },
      ignoreInit: false,
      ignore: [],
      virtiofs: withShares(config, guest.vmid, []),
      holdsData: isSource(config, guest.vmid),
    },
  ];
}

function isSource(config: Config, vmid: number): boolean {
  return Object.values(config.moves).some((move) => config.guests[move.from.guest]?.vmid === vmid);
}

function withShares(config: Config, vmid: number, said: readonly TofuVirtiofs[]): readonly TofuVirtiofs[] {
  const shares = Object.values(config.moves)
    .filter((move) => config.guests[move.to.guest]?.vmid === vmid)
    .map((move) => config.shares[move.to.share] as ShareConfig);
  const more = new Map(shares.map(({ mapping, cache }) => [mapping, { mapping, cache }]));
  return [
    ...said,
    ...[...more.values()].filter(({ mapping }) => !said.some((one) => one.mapping === mapping)),
  ];
}

/**
 * Every directory mapping that a share has or a virtual machine uses, with the entries of all nodes. One that is neither
 * in drayage.yaml nor anywhere yet has no path, and is left to whoever makes it.
 */
export function desiredMappings(config: Config, vms: readonly TofuVm[], existing: Existing): TofuMapping[] {
  const shares = Object.values(config.shares);
  const ids = new Set([
    ...shares.map(({ mapping }) => mapping),
    ...vms.flatMap(({ virtiofs }) => virtiofs.map(({ mapping }) => mapping)),
  ]);
  return [...ids].flatMap((id) => {
    const there = existing.mappings[id];
    const own = shares.filter(({ mapping }) => mapping === id);
    const entries = [
      ...(there?.entries ?? []).filter(({ node }) => !own.some((share) => share.node === node)),
      ...own.map(({ node, path }) => ({ node, path })),
    ];
    if (entries.length === 0) return [];
    const comment = there === undefined ? `Container data on ${own[0]?.dataset}` : there.comment;
    return [{ id, entries, ...(comment === undefined ? {} : { comment }) }];
  });
}

/**
 * What is there, from the cluster, and whose it is, from the state; where no state can be read, from the last files: what
 * they did not import, OpenTofu has made.
 */
export function existingOf(
  cluster: Pick<ClusterFindings, 'vms' | 'mappings'>,
  hosts: ReadonlyMap<number, string>,
  previous: Previous | undefined,
  tracked: Tracked | undefined,
): Existing {
  const originOf = (addresses: readonly string[], before: Origin | undefined): Origin => {
    if (before !== 'created')
      return addresses.some((one) => tracked?.get(one)?.cloned) ? 'created' : 'imported';
    return tracked === undefined || addresses.some((one) => tracked.has(one)) ? 'created' : 'imported';
  };
  const vms: Record<string, ExistingVm> = {};
  for (const vm of cluster.vms) {
    const host = hosts.get(vm.vmid);
    if (host === undefined) continue;
    const before = previous?.existing.vms[String(vm.vmid)];
    vms[String(vm.vmid)] = {
      origin: originOf([`${vmType}.${resourceName(host)}`], before?.origin),
      name: vm.name,
      node: vm.node,
      virtiofs: (vm.virtiofs ?? []).map(({ mapping, cache, directIo, exposeAcl, exposeXattr }) => ({
        mapping,
        cache,
        ...(directIo ? { directIo } : {}),
        ...(exposeAcl ? { exposeAcl } : {}),
        ...(exposeXattr ? { exposeXattr } : {}),
      })),
    };
  }
  const mappings = Object.fromEntries(
    cluster.mappings.map(({ id, entries, description }) => [
      id,
      {
        id,
        entries,
        ...(description === undefined ? {} : { comment: description }),
        origin: originOf(
          mappingTypes.map((type) => `${type}.${resourceName(id)}`),
          previous?.existing.mappings[id]?.origin,
        ),
      },
    ]),
  );
  return { vms, mappings };
}
