import { isOn, parsePropertyString } from './property-string.ts';

/** A VM's configuration as GET config answers it, with every value as text. */
export type VmConfig = Readonly<Record<string, string>>;

export interface Disk {
  /** `scsi0`. */
  readonly key: string;
  readonly storage: string;
  /** Bytes; undefined where the configuration does not say. */
  readonly size?: number;
}

const diskKey = /^(ide|sata|scsi|virtio|efidisk|tpmstate)\d+$/;
const unit: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** `64G` -> bytes; undefined for text of another form. */
export function sizeInBytes(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text);
  return found === null ? undefined : Math.round(Number(found[1]) * (unit[found[2] ?? ''] ?? 1));
}

/** The disks that a clone copies, in the order of their keys; no CD drive, and not the drive of cloud-init. */
export function disksOf(config: VmConfig): Disk[] {
  return Object.entries(config)
    .filter(([key, value]) => diskKey.test(key) && !/(^|,)media=cdrom(,|$)/.test(value))
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([key, value]) => {
      const parts = parsePropertyString(value, 'file');
      const size = sizeInBytes(parts.size ?? '');
      return {
        key,
        storage: (parts.file ?? '').split(':')[0] ?? '',
        ...(size === undefined ? {} : { size }),
      };
    });
}

/** The disk that it boots from: the first one of `boot`, else the first one. */
export function firstDisk(config: VmConfig): Disk | undefined {
  const disks = disksOf(config).filter(({ key }) => !/^(efidisk|tpmstate)/.test(key));
  const order = (parsePropertyString(config.boot ?? '').order ?? config.bootdisk ?? '').split(';');
  return order.map((key) => disks.find((disk) => disk.key === key)).find(Boolean) ?? disks[0];
}

/** The drive that cloud-init reads, where there is one. */
export function hasCloudInit(config: VmConfig): boolean {
  return Object.entries(config).some(([key, value]) => diskKey.test(key) && /cloudinit/.test(value));
}

export const agentIsOn = (config: VmConfig): boolean =>
  isOn(parsePropertyString(config.agent ?? '', 'enabled').enabled);

/** Keys such as `virtiofs0`, in order. */
export const keysOf = (config: VmConfig, kind: 'virtiofs' | 'net'): string[] =>
  Object.keys(config)
    .filter((key) => new RegExp(`^${kind}\\d+$`).test(key))
    .sort();

/** MiB: `4096`, or `current=4096,...`. */
export function memoryOf(config: VmConfig): number {
  return Number(parsePropertyString(config.memory ?? '512', 'current').current ?? 512);
}

/** `hotplug` without memory, which no VM with virtiofs can have; undefined when it has none. */
export function hotplugWithoutMemory(config: VmConfig): string | undefined {
  const parts = (config.hotplug ?? '').split(/[,;\s]+/).filter(Boolean);
  if (!parts.includes('memory')) return undefined;
  const rest = parts.filter((part) => part !== 'memory');
  return rest.length === 0 ? '0' : rest.join(',');
}
