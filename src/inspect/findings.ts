import type { GuestFindings, UnitFindings } from './guest-findings.ts';
import type { SourceFindings, UnknownOwner } from './source-findings.ts';

export type {
  ComposeFindings,
  ContainerFindings,
  ContainerStarter,
  CreateCommand,
  GuestFindings,
  GuestSystem,
  ImageStore,
  MountFindings,
  UnitFindings,
  UserFindings,
} from './guest-findings.ts';
export type { SourceDirectory, SourceFindings, UnknownOwner } from './source-findings.ts';

/**
 * What an inspection found. Plain data, printable as JSON. Nothing in it is secret: values of environment variables
 * are left out where they are read. Bytes of names are UTF-8, or `\xHH` where they are not.
 */
export interface Findings {
  readonly format: 1;
  /** ISO time of the controller; not part of any digest. */
  readonly inspectedAt: string;
  readonly cluster: ClusterFindings;
  readonly nodes: Readonly<Record<string, NodeFindings>>;
  readonly guests: Readonly<Record<string, GuestFindings>>;
  /** By share name. */
  readonly shares: Readonly<Record<string, ShareFindings>>;
  /** By move name. */
  readonly moves: Readonly<Record<string, MoveFindings>>;
  /** What could not be seen, and which privilege would show it. */
  readonly notSeen: readonly NotSeen[];
}

export interface NotSeen {
  /** `guest doc1`, `mapping containers`. */
  readonly subject: string;
  readonly what: string;
  /** The tool's own words. */
  readonly seen: string;
  /** What grants it, ready to type. */
  readonly next: string;
  /** What comes after `next`, in this order. */
  readonly more?: readonly string[];
  /** What it means, where an error of its own says so. */
  readonly meaning?: string;
}

export interface ClusterFindings {
  readonly version?: string;
  readonly release?: string;
  /** undefined: not visible to this token, see `notSeen`. */
  readonly quorate?: boolean;
  readonly nodes: readonly { readonly name: string; readonly online: boolean }[];
  readonly mappings: readonly DirectoryMapping[];
  readonly vms: readonly VmSummary[];
  /** What carrying out the moves takes and this token may not do; absent: it was not asked. */
  readonly missingPrivileges?: readonly NotSeen[];
}

export interface DirectoryMapping {
  readonly id: string;
  readonly entries: readonly { readonly node: string; readonly path: string }[];
  readonly description?: string;
  /** SHA-1 over the whole mapping file. */
  readonly digest: string;
}

export interface VmSummary {
  readonly vmid: number;
  readonly name: string;
  readonly node: string;
  readonly running: boolean;
  /** Its virtiofs devices, pending changes included, from the configuration; absent where it may not be read. */
  readonly virtiofs?: readonly VirtiofsDevice[];
}

export interface VirtiofsDevice {
  /** `virtiofs0`. */
  readonly key: string;
  readonly mapping: string;
  readonly cache: 'auto' | 'always' | 'metadata' | 'never';
  readonly directIo: boolean;
  readonly exposeXattr: boolean;
  readonly exposeAcl: boolean;
  /** The value as the configuration holds it. */
  readonly raw: string;
  /** The running QEMU does not have it (yet). */
  readonly pending: boolean;
}

/** What the rsync of a machine refused when it was tried, dry. Absent: nothing. */
export interface RsyncRefusal {
  /** `pass`: options of every pass. `deletions`: to delete, on the receiving side, what a list names and the other side does not have. */
  readonly what: 'pass' | 'deletions';
  /** Its first line. */
  readonly said: string;
}

export interface NodeFindings {
  readonly name: string;
  /** Name in the cluster, from `hostname`. */
  readonly hostname: string;
  readonly kernel: string;
  /** `pveversion`: `pve-manager/9.1.4/...`. */
  readonly pveVersion?: string;
  readonly zfsVersion?: string;
  readonly rsyncVersion?: string;
  readonly rsyncRefuses?: RsyncRefusal;
  readonly virtiofsd: boolean;
  /** /usr/libexec/virtiofsd is a wrapper that gives it file handles in place of open files (docs/recovery.md). Absent: it is not. */
  readonly virtiofsdFileHandles?: boolean;
  readonly pools: readonly PoolFindings[];
  /** Names of tools that are needed on a node and are missing. */
  readonly missingTools: readonly string[];
}

export interface PoolFindings {
  readonly name: string;
  readonly guid: string;
  readonly sizeBytes: number;
  readonly freeBytes: number;
  readonly health: string;
}

export interface ShareFindings {
  readonly name: string;
  /** Absent: the dataset does not exist. */
  readonly dataset?: {
    readonly mounted: boolean;
    readonly mountpoint: string;
    readonly acltype: string;
    readonly xattr: string;
    readonly availableBytes: number;
    readonly children: readonly string[];
  };
  /** The mount point exists and is not empty while the dataset is not there. */
  readonly occupied: boolean;
  /** What can still be written there; absent: it could not be told. */
  readonly room?: Room;
  readonly top?: { readonly uid: number; readonly gid: number; readonly mode: string };
  readonly marker?: ShareMarker;
  /** Text of `.drayage/standby.json`, where there is no marker: another node has the current data. */
  readonly elsewhere?: string;
}

/** Room on a file system, as it is before anything is copied. */
export interface Room {
  /** The dataset that was asked: the share's own, or the nearest one above it that exists. */
  readonly dataset: string;
  /** Quotas and redundancy included. */
  readonly bytes: number;
  /** Absent: no fixed number, as on ZFS, where inodes take space when they are made. */
  readonly inodes?: number;
}

/** `.drayage/share.json` at the top of a share. */
export interface ShareMarker {
  readonly uuid: string;
  readonly share: string;
}

/** What `.drayage/moves/<move>/rescue.json` says of the target guest as it was before drayage laid anything there. */
export interface Noted {
  /** Definitions of the move that the note knows, by their paths. */
  readonly known: readonly string[];
  /** Those of them that the target guest had. */
  readonly had: readonly UnitFindings[];
}

export interface MoveFindings {
  readonly name: string;
  readonly source: SourceFindings;
  /** What lies at the move's place in the share; absent: nothing. */
  readonly target?: {
    readonly empty: boolean;
    /** `.drayage/moves/<move>/claim.json` is there: the place was made by drayage for this move. */
    readonly claimed: boolean;
    /** `.drayage/moves/<move>/released` is there: the target guest's workloads may start, or have started. */
    readonly released: boolean;
    /** `.drayage/moves/<move>/handed-over` is there: the target guest has been allowed to write. */
    readonly handedOver?: boolean;
  };
  /** What the note in the share keeps of an earlier look. Absent: there is none. */
  readonly noted?: Noted;
  /** The source path as the target guest has it. `mounted`: something is mounted there; `occupied`: a non-empty directory, or no directory. */
  readonly targetPath?: 'missing' | 'empty' | 'mounted' | 'occupied';
  /** Paths outside every move that the workloads bind, and that do not exist on the target guest. Absent: none. */
  readonly missingOnTarget?: readonly string[];
  /** Owners in the source that the target guest does not know, most frequent first. Absent: none, or it was not asked. */
  readonly unknownOwners?: readonly UnknownOwner[];
}
