import type { ClusterFindings, GuestFindings, NotSeen, RsyncRefusal } from '../../inspect/findings.ts';

/** What `zfs send` to or from a dataset could begin with. */
export interface StreamFacts {
  /** Of this dataset, oldest first. */
  readonly snapshots: readonly { readonly name: string; readonly guid: string }[];
  /** Since the newest of them. */
  readonly writtenBytes: number;
  readonly encrypted: boolean;
  /**
   * A receive that was cut off, as the other node reads its token: the snapshot that it is of, and whether that very
   * snapshot is still there.
   */
  readonly unfinished?: { readonly snapshot: string; readonly there: boolean };
}

/** What was seen of one place of a share: its own, or the one on another node. */
export interface PlaceFacts {
  /** The node's name in the cluster. */
  readonly hostname: string;
  readonly state: 'missing' | 'not-a-directory' | 'directory';
  /** Something is mounted exactly there. */
  readonly mounted: boolean;
  /** The first names at its top, except drayage's own folder and `.zfs`. */
  readonly inside: readonly string[];
  /** As findmnt(8) has them for the file system that the place lies on. */
  readonly fsType: string;
  readonly source: string;
  /** Id of the file system, stat(1) `%i`. */
  readonly fsid: string;
  /** Mount points and datasets inside. */
  readonly submounts: readonly string[];
  /** Text of `.drayage/share.json`, without its last newline: guests may start on this place. */
  readonly marker?: string;
  /** Inode of that file. */
  readonly markerInode?: string;
  /** Text of `.drayage/standby.json`: the data here is not the current one, or not complete. */
  readonly standby?: string;
  /** Where the configuration names a dataset, and it exists. */
  readonly dataset?: {
    readonly mounted: boolean;
    readonly mountpoint: string;
    /** Where the other place is to be a dataset too. */
    readonly stream?: StreamFacts;
  };
  readonly availableBytes: number;
  /** It cannot be written to: `readonly=on`, or its top is immutable. */
  readonly sealed: boolean;
  /** The file system knows immutable directories, or it is a dataset. */
  readonly sealable: boolean;
  /** Of the current place. */
  readonly amount?: { readonly entries: number; readonly bytes: number; readonly allocatedBytes: number };
  readonly missingTools: readonly string[];
  /** What its rsync refused when it was tried, dry. Absent: nothing. */
  readonly rsyncRefuses?: RsyncRefusal;
  /** What this node says when it logs in to the other one, where that fails. */
  readonly cannotReach?: string;
}

export interface MaintainedGuest extends GuestFindings {
  /** Seconds from the kernel's start until all units were started, at its last boot. */
  readonly bootSeconds?: number;
  /** Disks that a migration would have to copy: `local-lvm:vm-114-disk-0`. */
  readonly localDisks: readonly string[];
  /** Units that use the share and do not assert its marker. */
  readonly unguarded: readonly string[];
  readonly haManaged: boolean;
}

/** Everything that the plan of a maintenance must know. Plain data; kept beside the plan of a run. */
export interface MaintenanceFacts {
  readonly format: 1;
  /** ISO time of the controller. */
  readonly inspectedAt: string;
  readonly cluster: ClusterFindings;
  /** By share: its own place, and the one on the other node; undefined: that node could not be asked. */
  readonly shares: Readonly<Record<string, { readonly own?: PlaceFacts; readonly other?: PlaceFacts }>>;
  /** By name in drayage.yaml: guests with a device of one of these shares. */
  readonly guests: Readonly<Record<string, MaintainedGuest>>;
  readonly notSeen: readonly NotSeen[];
}

/** Carry shares and guests to another node, or back to their own. */
export interface Journey {
  readonly direction: 'enter' | 'leave';
  /** The other node, by its name in drayage.yaml. */
  readonly node: string;
}
