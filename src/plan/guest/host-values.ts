import type { GuestWish } from '../../config/config.ts';
import type { NixValue } from '../../nix/write-value.ts';
import { firstDisk, memoryOf, type VmConfig } from '../../proxmox/vm-config.ts';

/** A virtual machine as a new host of hosts.nix. Further attributes that a flake wants are its owner's. */
export function hostValues(
  { name, vmid, create }: GuestWish & { readonly vmid: number },
  from: {
    /** Configuration of the template, or of the machine itself. */
    readonly config: VmConfig;
    readonly node: string;
    /** What `_proxmox` says for every machine. */
    readonly defaults: { readonly node: string; readonly defaultStorage?: string } | undefined;
    readonly host?: Readonly<Record<'localIp' | 'publicKey' | 'user', string | undefined>>;
  },
): Record<string, NixValue> {
  const { config, node, defaults, host } = from;
  const { bios, cloudInit, machine, net, tags } = create;
  const disk = firstDisk(config);
  const storage = create.storage ?? defaults?.defaultStorage ?? disk?.storage;
  const bus = disk === undefined || disk.key === 'virtio0' ? undefined : disk.key;
  const fixed = /^[\d.]+(?=\/)/.exec(cloudInit?.ip ?? '')?.[0];
  return {
    hostname: name,
    sshAlias: name,
    ...said({
      localIp: host?.localIp ?? fixed,
      user: host?.user ?? cloudInit?.user,
      publicKey: host?.publicKey,
    }),
    proxmox: {
      vmid,
      ...said({ node: node === defaults?.node ? undefined : node }),
      cores: create.cores ?? Number(config.cores ?? 1),
      memory: create.memory ?? memoryOf(config),
      disk: create.disk ?? wholeGib(disk?.size) ?? 'as-it-is',
      ...said({
        diskInterface: bus,
        storage: storage === defaults?.defaultStorage ? undefined : storage,
        bios,
        machine,
      }),
      ...(net === undefined
        ? {}
        : {
            network: {
              bridge: net.bridge,
              model: net.model,
              ...(net.vlan === undefined ? {} : { vlan: net.vlan }),
            },
          }),
      ...(tags === undefined ? {} : { tags }),
      ...(cloudInit === undefined ? {} : { ignoreInit: true }),
    },
  };
}

/** hosts.nix counts disks in GiB; another size is a word, and the disk is not described. */
function wholeGib(size: number | undefined): string | undefined {
  const gib = (size ?? 0) / 1024 ** 3;
  return gib >= 1 && Number.isInteger(gib) ? `${gib}G` : undefined;
}

function said(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
