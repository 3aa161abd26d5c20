import { tofuError } from '../../tofu/errors.ts';
import type { ExistingVm, TofuVirtiofs, TofuVm } from './fleet.ts';
import { attributePath, checkMappingId, literal } from './names.ts';
import type { ProviderDialect } from './provider.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** `virtiofs` blocks that the provider takes at most (proxmoxtf/resource/vm, MaxItems). */
const mostVirtiofs = 8;

/**
 * Left alone on every virtual machine. `clone`: adding or taking away the block would replace the machine. `node_name`: one
 * that was carried to another node would be replaced. `started`: a source that was stopped must not be started.
 */
const ignoredAlways = ['clone', 'cpu[0].architecture', 'node_name', 'started', 'vga'];

/** Of an imported machine also everything that nobody has said: OpenTofu would write the provider's defaults. */
const ignoredWhenImported = [
  'acpi',
  'agent',
  'audio_device',
  'boot_order',
  'cdrom',
  'disk',
  'efi_disk',
  'hostpci',
  'initialization',
  'keyboard_layout',
  'kvm_arguments',
  'numa',
  'operating_system',
  'scsi_hardware',
  'serial_device',
  'smbios',
  'startup',
  'tablet_device',
  'tpm_state',
  'usb',
];

/**
 * The body of a `proxmox_virtual_environment_vm`.
 * @param mappingOf the expression or the id of a mapping
 * @throws tofu/fleet, tofu/mapping-id
 */
export function vmResource(
  vm: TofuVm,
  existing: ExistingVm | undefined,
  dialect: ProviderDialect,
  mappingOf: (id: string) => string,
): JsonObject {
  const imported = existing?.origin === 'imported';
  const node = existing?.node ?? vm.node;
  if (node === '') throw unwritable(vm, 'no node', 'name `node` for it, or `node` of `_proxmox` for all');
  const cpuType = vm.cpuType ?? (imported ? undefined : 'x86-64-v2-AES');
  const bios = vm.bios ?? (imported ? undefined : 'seabios');
  const description = vm.description ?? (imported ? undefined : vm.defaults.description);
  const tags = vm.tags ?? (imported ? undefined : vm.defaults.tags);
  const onBoot = vm.onBoot ?? (imported ? undefined : true);
  const virtiofs = blocksOf(vm, existing);
  const body: JsonObject = {
    name: literal(vm.name),
    node_name: literal(node),
    vm_id: vm.vmid,
    ...(onBoot === undefined ? {} : { on_boot: onBoot }),
    ...(description === undefined ? {} : { description: literal(description) }),
    // Proxmox VE sorts them: another order would be a difference at every plan.
    ...(tags === undefined ? {} : { tags: [...tags].sort().map(literal) }),
    ...(bios === undefined ? {} : { bios: literal(bios) }),
    ...(vm.machine === undefined ? {} : { machine: literal(vm.machine) }),
    ...(imported || vm.template === undefined
      ? {}
      : {
          clone: {
            vm_id: vm.template,
            full: true,
            retries: 3,
            // A disk that is described says itself where it lies.
            ...(vm.storage === undefined || vm.disk !== undefined
              ? {}
              : { datastore_id: literal(vm.storage) }),
          },
          // It has the virtiofs devices of its template: it is started when they are gone (`drayage guest new`).
          started: false,
        }),
    ...(vm.cores === undefined && cpuType === undefined
      ? {}
      : {
          cpu: {
            ...(vm.cores === undefined ? {} : { cores: vm.cores }),
            ...(cpuType === undefined ? {} : { type: literal(cpuType) }),
          },
        }),
    ...(vm.memory === undefined ? {} : { memory: { dedicated: vm.memory } }),
    ...diskOf(vm),
    ...(bios === 'ovmf' && !imported
      ? { efi_disk: { datastore_id: storageOf(vm), file_format: 'raw', type: '4m' } }
      : {}),
    ...(imported && vm.network === undefined ? {} : { network_device: [networkOf(vm)] }),
    ...(imported ? {} : { agent: { enabled: true } }),
    ...(virtiofs.length === 0 ? {} : { virtiofs: virtiofs.map((one) => virtiofsBlock(one, mappingOf)) }),
    ...(vm.holdsData ? { protection: true } : {}),
    reboot_after_update: false,
    ...(dialect.destroyOptions
      ? { purge_on_destroy: false, delete_unreferenced_disks_on_destroy: false }
      : {}),
    lifecycle: { ignore_changes: ignored(vm, imported), prevent_destroy: true },
  };
  return body;
}

function storageOf(vm: TofuVm): string {
  if (vm.storage !== undefined) return literal(vm.storage);
  throw unwritable(vm, 'no storage for its disks', 'name `storage` for it, or `defaultStorage` for all');
}

function diskOf(vm: TofuVm): JsonObject {
  if (vm.disk === undefined) return {};
  const { gib, interface: bus } = vm.disk;
  if (!/^(virtio|scsi|sata)\d{1,2}$/.test(bus))
    throw unwritable(vm, `the disk interface ${JSON.stringify(bus)}`, 'write virtioN, scsiN or sataN');
  return { disk: [{ datastore_id: storageOf(vm), interface: bus, size: gib, file_format: 'raw' }] };
}

function networkOf({ network = {} }: TofuVm): JsonObject {
  return {
    bridge: literal(network.bridge ?? 'vmbr0'),
    model: literal(network.model ?? 'virtio'),
    ...(network.vlan === undefined ? {} : { vlan_id: network.vlan }),
    ...(network.mac === undefined ? {} : { mac_address: literal(network.mac) }),
  };
}

function ignored(vm: TofuVm, imported: boolean): string[] {
  for (const path of vm.ignore)
    if (!attributePath.test(path))
      throw unwritable(
        vm,
        `the attribute ${JSON.stringify(path)} to be ignored`,
        'write one such as "cpu[0].architecture"',
      );
  const unsaid: [string, unknown][] = [
    ['bios', vm.bios],
    ['cpu[0].type', vm.cpuType],
    ['description', vm.description],
    ['machine', vm.machine],
    ['network_device', vm.network],
    ['on_boot', vm.onBoot],
    ['tags', vm.tags],
    ...(vm.cores === undefined ? ([['cpu[0].cores', undefined]] as [string, unknown][]) : []),
    ...(vm.memory === undefined ? ([['memory', undefined]] as [string, unknown][]) : []),
  ];
  const all = [
    ...ignoredAlways,
    ...(imported ? ignoredWhenImported : []),
    ...(imported ? unsaid.filter(([, value]) => value === undefined).map(([path]) => path) : []),
    ...(vm.ignoreInit ? ['initialization'] : []),
    ...vm.ignore,
  ];
  return [...new Set(all)].sort();
}

/**
 * The n-th block is `virtiofsN`: what is there keeps its slot, with what is said of it now; the rest follows. A device that
 * nobody names is somebody's, and stays.
 */
function blocksOf(vm: TofuVm, existing: ExistingVm | undefined): readonly TofuVirtiofs[] {
  const there = existing?.virtiofs ?? [];
  const wanted = new Map<string, TofuVirtiofs>();
  for (const one of vm.virtiofs) {
    checkMappingId(one.mapping, `${vm.from}: ${vm.host}`);
    if (wanted.has(one.mapping))
      throw unwritable(vm, `the mapping ${one.mapping} twice`, 'name each mapping once');
    wanted.set(one.mapping, one);
  }
  const kept = there.map((device) => ({ ...device, ...wanted.get(device.mapping) }));
  const added = vm.virtiofs.filter(({ mapping }) => !there.some((device) => device.mapping === mapping));
  const all = [...kept, ...added];
  if (all.length > mostVirtiofs)
    throw unwritable(
      vm,
      `${all.length} virtiofs devices`,
      `at most ${mostVirtiofs}: the provider takes no more`,
    );
  return all;
}

function virtiofsBlock(one: TofuVirtiofs, mappingOf: (id: string) => string): JsonObject {
  if (one.cache !== undefined && !/^(auto|always|metadata|never)$/.test(one.cache))
    throw tofuError('tofu/fleet', {
      seen: `the cache mode ${JSON.stringify(one.cache)} of the mapping ${one.mapping}`,
      next: ['write auto, always, metadata or never'],
    });
  return {
    mapping: mappingOf(one.mapping),
    cache: one.cache ?? 'auto',
    ...(one.directIo === undefined ? {} : { direct_io: one.directIo }),
    ...(one.exposeAcl === undefined ? {} : { expose_acl: one.exposeAcl }),
    // The provider refuses expose_acl without it, at apply only ("must be omitted or true when expose_acl is enabled").
    ...(one.exposeAcl === true
      ? { expose_xattr: true }
      : one.exposeXattr === undefined
        ? {}
        : { expose_xattr: one.exposeXattr }),
  };
}

function unwritable(vm: TofuVm, what: string, next: string) {
  return tofuError('tofu/fleet', { seen: `${vm.from}: ${vm.host} has ${what}`, next: [next] });
}
