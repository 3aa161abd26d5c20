/** What a live cluster shows of itself, as far as `drayage init` needs it. Every list may be empty; text may be anything. */
export interface ClusterFacts {
  /** `https://host:8006`. */
  readonly endpoint?: string;
  readonly fingerprint?: string;
  readonly nodes: readonly {
    readonly name: string;
    /** Address or host name; the node's name is used without it. */
    readonly address?: string;
  }[];
  readonly vms: readonly {
    readonly vmid: number;
    readonly name: string;
    readonly node: string;
    /** From the guest agent, where it answers. */
    readonly address?: string;
  }[];
  /** ZFS datasets and pools: `nvmeprom`, `nvmeprom/containers`. */
  readonly datasets: readonly { readonly node: string; readonly name: string }[];
  readonly mappings: readonly {
    readonly id: string;
    readonly entries: readonly { readonly node: string; readonly path: string }[];
  }[];
}

export const noFacts: ClusterFacts = { nodes: [], vms: [], datasets: [], mappings: [] };
