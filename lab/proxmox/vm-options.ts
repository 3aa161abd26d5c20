/** The options of a VM's configuration: their types, and the privilege that changing each one needs. */
import * as format from './formats.ts';
import { flag, integer, type Param, paramFor, params, text } from './params.ts';

const named = (names: string, param: Param): Record<string, Param> =>
  Object.fromEntries(names.split(' ').map((name) => [name, param]));
const numbered = (counts: Record<string, number>): Record<string, Param> =>
  Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [`${name}[n]`, text({ count, optional: true })]),
  );

const flags =
  'acpi allow-ksm autostart ciupgrade freeze keephugepages kvm localtime numa onboot protection reboot tablet tdf template';
const texts =
  'affinity agent amd-sev args audio0 boot cdrom cicustom cipassword ciuser cpu efidisk0 hookscript hotplug intel-tdx ivshmem machine nameserver rng0 searchdomain spice_enhancements sshkeys startup tags tpmstate0 vga vmstatestorage watchdog';

const optional = (table: Record<string, Param>): Record<string, Param> =>
  Object.fromEntries(Object.entries(table).map(([name, param]) => [name, { ...param, optional: true }]));

/** Every option, as PUT config takes them. */
export const vmOptions = optional({
  ...named(flags, flag),
  ...named(texts, text()),
  ...numbered({ hostpci: 16, ide: 4, ipconfig: 32, net: 32, numa: 8, parallel: 3, sata: 6 }),
  ...numbered({ scsi: 31, serial: 4, unused: 256, usb: 14, virtio: 16 }),
  'virtiofs[n]': text({ count: 10, properties: format.virtiofs }),
  arch: text({ enum: ['x86_64', 'aarch64'] }),
  balloon: integer(0),
  bios: text({ enum: ['seabios', 'ovmf'] }),
  bootdisk: text({ pattern: /(ide|sata|scsi|virtio)\d+/ }),
  citype: text({ enum: ['configdrive2', 'nocloud', 'opennebula'] }),
  cores: integer(1),
  cpulimit: { type: 'number', minimum: 0, maximum: 128 },
  cpuunits: integer(1, 262_144),
  description: text({ maxLength: 8192 }),
  hugepages: text({ enum: ['any', '2', '1024'] }),
  keyboard: text({
    enum: 'de de-ch da en-gb en-us es fi fr fr-be fr-ca fr-ch hu is it ja lt mk nl no pl pt pt-br sv sl tr'.split(
      ' ',
    ),
  }),
  lock: text({
    enum: [
      'backup',
      'clone',
      'create',
      'migrate',
      'rollback',
      'snapshot',
      'snapshot-delete',
      'suspending',
      'suspended',
    ],
  }),
  memory: text({ properties: format.memory }),
  migrate_downtime: { type: 'number', minimum: 0 },
  migrate_speed: integer(0),
  name: format.guestName,
  ostype: text({
    enum: 'other wxp w2k w2k3 w2k8 wvista win7 win8 win10 win11 l24 l26 solaris'.split(' '),
  }),
  scsihw: text({
    enum: ['lsi', 'lsi53c810', 'virtio-scsi-pci', 'virtio-scsi-single', 'megasas', 'pvscsi'],
  }),
  shares: integer(0, 50_000),
  smbios1: text({ maxLength: 512 }),
  smp: integer(1),
  sockets: integer(1),
  startdate: text({ pattern: /^(now|\d{4}-\d{1,2}-\d{1,2}(T\d{1,2}:\d{1,2}:\d{1,2})?)$/ }),
  vcpus: integer(1),
  vmgenid: text({ pattern: /^(?:[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}|[01])$/ }),
});

/** What PUT config takes besides the options. */
export const changeControls = params({
  'delete?': format.idList,
  'revert?': format.idList,
  'digest?': text({ maxLength: 40 }),
  'force?': { ...flag, requires: 'delete' },
  'skiplock?': flag,
});

export const isVmOption = (key: string): boolean => paramFor(vmOptions, key) !== undefined;

/** An answer carries numbers where the schema says integer, number or boolean, and text elsewhere. */
export function shownValue(key: string, value: string): string | number {
  const type = paramFor(vmOptions, key)?.type;
  return type !== undefined && type !== 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

const groups: readonly [RegExp, string][] = [
  [
    /^(ide|sata|scsi|virtio|virtiofs|unused|efidisk|tpmstate)\d+$|^(bootdisk|vmstatestorage)$/,
    'VM.Config.Disk',
  ],
  [/^net\d+$/, 'VM.Config.Network'],
  [/^(cpu|cores|sockets|smp|vcpus|cpulimit|cpuunits|affinity|numa|numa\d+)$/, 'VM.Config.CPU'],
  [/^(memory|balloon|shares|hugepages|keephugepages|allow-ksm)$/, 'VM.Config.Memory'],
  [/^(ci\w+|ipconfig\d+|nameserver|searchdomain|sshkeys)$/, 'VM.Config.Cloudinit'],
  [/^cdrom$/, 'VM.Config.CDROM'],
  [
    /^(acpi|arch|audio0|bios|hostpci\d+|ivshmem|kvm|machine|parallel\d+|rng0|scsihw|serial\d+|smbios1|usb\d+|vga|watchdog)$/,
    'VM.Config.HWType',
  ],
];

/** The privilege on /vms/{vmid} that changing an option needs. */
export const privilegeFor = (key: string): string =>
  groups.find(([pattern]) => pattern.test(key))?.[1] ?? 'VM.Config.Options';

/** Only root@pam itself may set these: a token of root may not. */
export const isRootOnly = (key: string): boolean => key === 'args' || key === 'hookscript' || key === 'lock';

/** Options that change at once on a running VM; the emulator plugs no device into a running QEMU. */
export const isAppliedAtOnce = (key: string): boolean =>
  /^(name|description|onboot|shares|startup|protection|tags|lock|hotplug|autostart|hookscript|migrate_\w+|vmstatestorage)$/.test(
    key,
  );

export const isDisk = (key: string): boolean =>
  /^(ide|sata|scsi|virtio|efidisk|tpmstate|unused)\d+$/.test(key);
export const isVirtiofs = (key: string): boolean => /^virtiofs\d$/.test(key);
