import type { GuestWish } from '../../config/config.ts';
import {
  firstDisk,
  hotplugWithoutMemory,
  keysOf,
  memoryOf,
  sizeInBytes,
  type VmConfig,
} from '../../proxmox/vm-config.ts';

/** From the template's configuration to the guest's. */
export interface VmChanges {
  /** Of PUT config. */
  readonly params: Readonly<Record<string, string | number>>;
  /** Keys of the template that the guest must not have. */
  readonly removes: readonly string[];
  /** MiB. */
  readonly memory: number;
  /** The disk that grows, and to what. */
  readonly growsDisk?: { readonly key: string; readonly size: string };
}

/** What differs between the template and the guest that is wanted. */
export function changesOf(
  template: VmConfig,
  { create }: Pick<GuestWish, 'create'>,
  cloudInit: { readonly sshKeys?: string },
): VmChanges {
  const memory = create.memory ?? memoryOf(template);
  const hotplug = hotplugWithoutMemory(template);
  const disk = firstDisk(template);
  const wanted = create.disk === undefined ? undefined : sizeInBytes(create.disk);
  const grows = disk !== undefined && wanted !== undefined && wanted > (disk.size ?? 0);
  return {
    params: {
      ...(create.cores === undefined ? {} : { cores: create.cores }),
      memory,
      ...(hotplug === undefined ? {} : { hotplug }),
      ...(create.bios === undefined ? {} : { bios: create.bios }),
      ...(create.machine === undefined ? {} : { machine: create.machine }),
      ...(create.net === undefined ? {} : { net0: netOf(create.net) }),
      ...(create.tags === undefined ? {} : { tags: create.tags.join(';') }),
      onboot: create.onboot ? 1 : 0,
      ...cloudInitParams(create.cloudInit, cloudInit.sshKeys),
    },
    removes: keysOf(template, 'virtiofs'),
    memory,
    ...(grows && create.disk !== undefined ? { growsDisk: { key: disk.key, size: create.disk } } : {}),
  };
}

/** Without a hardware address: Proxmox VE makes a new one. */
function netOf(net: NonNullable<GuestWish['create']['net']>): string {
  return [
    net.model,
    `bridge=${net.bridge}`,
    ...(net.vlan === undefined ? [] : [`tag=${net.vlan}`]),
    ...(net.firewall ? ['firewall=1'] : []),
  ].join(',');
}

function cloudInitParams(
  asked: GuestWish['create']['cloudInit'],
  sshKeys: string | undefined,
): Record<string, string> {
  if (asked === undefined) return {};
  const { user, ip, gateway, nameserver } = asked;
  return {
    ...(user === undefined ? {} : { ciuser: user }),
    // The value itself is percent-encoded, beside the encoding of the form (qemu-server, `sshkeys`).
    ...(sshKeys === undefined ? {} : { sshkeys: encodeURIComponent(sshKeys) }),
    ...(ip === undefined ? {} : { ipconfig0: `ip=${ip}${gateway === undefined ? '' : `,gw=${gateway}`}` }),
    ...(nameserver === undefined ? {} : { nameserver }),
  };
}
