/** A virtual machine as OpenTofu shall keep it. What is absent is not said by anybody, and the provider's default holds. */
export interface TofuVm {
  /** Name of the resource's host: the attribute of hosts.nix, or the guest of drayage.yaml. */
  readonly host: string;
  /** Where it was read, for messages: `hosts.nix`, `drayage.yaml`. */
  readonly from: string;
  /** Name in Proxmox VE. */
  readonly name: string;
  readonly vmid: number;
  readonly node: string;
  readonly cores?: number;
  readonly cpuType?: string;
  /** MiB. */
  readonly memory?: number;
  readonly bios?: string;
  readonly machine?: string;
  readonly disk?: { readonly gib: number; readonly interface: string };
  /** Where its disks lie. */
  readonly storage?: string;
  readonly network?: {
    readonly bridge?: string;
    readonly model?: string;
    readonly vlan?: number;
    readonly mac?: string;
  };
  /** The template that a new one is cloned from; absent: it exists, or nobody may create it. */
  readonly template?: number;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** What a new one gets where nobody has said it. */
  readonly defaults: { readonly description: string; readonly tags: readonly string[] };
  readonly onBoot?: boolean;
  /** Cloud-init settings are left alone. */
  readonly ignoreInit: boolean;
  /** Further attributes that OpenTofu leaves alone. */
  readonly ignore: readonly string[];
  readonly virtiofs: readonly TofuVirtiofs[];
  /** Keeps data that must not go: Proxmox VE then refuses to remove it. */
  readonly holdsData: boolean;
}

export interface TofuVirtiofs {
  readonly mapping: string;
  readonly cache?: string;
  readonly directIo?: boolean;
  readonly exposeAcl?: boolean;
  readonly exposeXattr?: boolean;
}

/** A directory mapping with the entry of every node. */
export interface TofuMapping {
  readonly id: string;
  readonly comment?: string;
  readonly entries: readonly { readonly node: string; readonly path: string }[];
}

/** What is there already: as the cluster and the state show it, or, where they are not asked, as the last files have it. */
export interface Existing {
  /** By vmid. */
  readonly vms: Readonly<Record<string, ExistingVm>>;
  /** By the id of the mapping. */
  readonly mappings: Readonly<Record<string, ExistingMapping>>;
}

/** `imported`: OpenTofu has to be told of it. `created`: it is OpenTofu's own. */
export type Origin = 'imported' | 'created';

export interface ExistingVm {
  readonly origin: Origin;
  readonly name: string;
  readonly node: string;
  /** Its virtiofs devices in the order of their slots. */
  readonly virtiofs: readonly TofuVirtiofs[];
}

export interface ExistingMapping extends TofuMapping {
  readonly origin: Origin;
}
