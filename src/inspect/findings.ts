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

export interface NodeFindings {
  readonly name: string;
  /** Name in the cluster, from `hostname`. */
  readonly hostname: string;
  readonly kernel: string;
  /** `pveversion`: `pve-manager/9.1.4/...`. */
  readonly pveVersion?: string;
  readonly zfsVersion?: string;
  readonly rsyncVersion?: string;
  readonly virtiofsd: boolean;
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

export interface GuestFindings {
  readonly name: string;
  readonly vmid: number;
  readonly node: string;
  readonly running: boolean;
  /** Reached by ssh; the rest is absent otherwise. */
  readonly system?: GuestSystem;
  /** VM configuration: `memory`, `hotplug`, `hostpci0`... as Proxmox shows it; never a cloud-init password. */
  readonly vm: {
    readonly digest: string;
    readonly memory?: string;
    readonly hotplug?: string;
    readonly ostype?: string;
    readonly agent: boolean;
    readonly pciPassthrough: readonly string[];
    readonly virtiofs: readonly VirtiofsDevice[];
  };
}

export interface GuestSystem {
  readonly hostname: string;
  /** ID of /etc/os-release: `debian`, `nixos`. */
  readonly os: string;
  readonly osName: string;
  readonly kernel: string;
  readonly bootId: string;
  readonly podmanVersion?: string;
  readonly dockerVersion?: string;
  /** Root's container store; one inside the source path is never copied. */
  readonly stores: readonly ImageStore[];
  readonly containers: readonly ContainerFindings[];
  readonly units: readonly UnitFindings[];
  readonly mounts: readonly MountFindings[];
  readonly users: readonly UserFindings[];
  /** Timers that may start or replace containers: `podman-auto-update.timer`, with their state. */
  readonly timers: readonly { readonly unit: string; readonly enabled: boolean; readonly user?: string }[];
  /** `podman-restart.service` is enabled for root. */
  readonly podmanRestart: boolean;
  /** Images by the names they carry, for root. */
  readonly images: readonly { readonly name: string; readonly id: string; readonly user?: string }[];
  readonly missingTools: readonly string[];
  /** Units that may run and start containers which their commands do not name: `podman-compose up`. Absent: none. */
  readonly startsContainers?: readonly ContainerStarter[];
  /** Drop-ins by which drayage fenced units of this guest, absolute paths. Absent: none. */
  readonly fences?: readonly string[];
}

/** A unit that starts containers, and it cannot be told which. */
export interface ContainerStarter {
  readonly unit: string;
  /** undefined: the system manager. */
  readonly user?: string;
  /** Program and sub-command; other words may be secret. */
  readonly command: string;
}

export interface ImageStore {
  /** undefined: root. */
  readonly user?: string;
  readonly graphRoot: string;
}

/** A user that runs containers, or one that the workloads need. */
export interface UserFindings {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly linger: boolean;
  /** Lines of /etc/subuid and /etc/subgid: first id and count. */
  readonly subuid: readonly { readonly first: number; readonly count: number }[];
  readonly subgid: readonly { readonly first: number; readonly count: number }[];
}

export interface ContainerFindings {
  readonly engine: 'podman' | 'docker';
  readonly name: string;
  readonly id: string;
  /** undefined: root's. */
  readonly user?: string;
  readonly running: boolean;
  readonly image: string;
  readonly imageId: string;
  /** `no`, `on-failure`, `always`, `unless-stopped`; with `:n` for a retry limit. */
  readonly restartPolicy: string;
  /**
   * Host sides of its bind mounts, and paths that its volumes bind by their driver options; where one lies in a moved
   * path through a symbolic link, its real place too.
   */
  readonly bindSources: readonly string[];
  /** Seconds that `podman stop` waits before it kills. */
  readonly stopTimeoutSeconds: number;
  /** The systemd unit that owns it (label PODMAN_SYSTEMD_UNIT, or `podman start` of its name), if any. */
  readonly unit?: string;
  /** Compose project, if any. */
  readonly composeProject?: string;
  /** `podman create ...` as it was typed, without values of environment variables; absent where podman does not tell. */
  readonly create?: CreateCommand;
}

/** How a container was made, split so that it can be made again elsewhere. */
export interface CreateCommand {
  /** Options as typed, without detaching, restart policy, name and environment. */
  readonly options: readonly string[];
  readonly image: string;
  readonly command: readonly string[];
  /** Names of the variables given by `-e`; their values are read when they are needed. One whose value holds a line break: `cannotCarry`. */
  readonly environment: readonly string[];
  /** Why it cannot be made again from this alone; such a container must be `present` on the target. */
  readonly cannotCarry?: string;
}

/** A systemd unit that uses a source path: a quadlet, or a service of its own. */
export interface UnitFindings {
  /** `web.service`. */
  readonly name: string;
  /** undefined: the system manager; otherwise that user's manager. */
  readonly user?: string;
  readonly active: boolean;
  /** `enabled`, `generated`, `static`, `masked`... as systemctl says. */
  readonly unitFileState: string;
  /** Where its definition lies: the quadlet for a generated unit, else the unit file. */
  readonly sourcePath: string;
  readonly quadlet: boolean;
  /** SHA-256 of the definition; it is carried byte by byte. */
  readonly sha256: string;
  /** Host paths it names: bind sources of a quadlet, RequiresMountsFor and paths of a service. */
  readonly paths: readonly string[];
  /** Image of a quadlet. */
  readonly image?: string;
  /** Timers and other units that trigger it. */
  readonly triggeredBy: readonly string[];
  /** Has an [Install] section that starts it at boot. */
  readonly startsAtBoot: boolean;
  /** Definitions of the timers that trigger it: carried with it. */
  readonly timers: readonly {
    readonly name: string;
    readonly active: boolean;
    readonly enabled: boolean;
    readonly sourcePath: string;
    readonly sha256: string;
  }[];
  /** Why the definition alone does not make the same unit elsewhere: it names other files (a .network, an EnvironmentFile). */
  readonly cannotCarry?: string;
}

export interface MountFindings {
  readonly target: string;
  readonly source: string;
  readonly fsType: string;
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
  readonly top?: { readonly uid: number; readonly gid: number; readonly mode: string };
  readonly marker?: ShareMarker;
}

/** `.drayage/share.json` at the top of a share. */
export interface ShareMarker {
  readonly uuid: string;
  readonly share: string;
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
  /** The source path as the target guest has it. `mounted`: something is mounted there; `occupied`: a non-empty directory, or no directory. */
  readonly targetPath?: 'missing' | 'empty' | 'mounted' | 'occupied';
  /** Paths outside every move that the workloads bind, and that do not exist on the target guest. Absent: none. */
  readonly missingOnTarget?: readonly string[];
}

export type SourceFindings =
  | { readonly state: 'missing' | 'unreadable'; readonly seen: string }
  | { readonly state: 'not-a-directory'; readonly seen: string }
  | ({ readonly state: 'directory' } & SourceDirectory);

export interface SourceDirectory {
  /** As `stat` prints them: identity of the directory, so that an unmounted source is noticed. */
  readonly device: string;
  readonly inode: string;
  /** The path with symbolic links resolved. */
  readonly realPath?: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: string;
  readonly fsType: string;
  /** The path itself is a mount point. */
  readonly isMount: boolean;
  readonly empty: boolean;
  readonly entries: number;
  /** Apparent and allocated. */
  readonly bytes: number;
  readonly allocatedBytes: number;
  readonly hardLinkGroups: number;
  readonly acls: number;
  readonly xattrs: number;
  readonly sparseFiles: number;
  readonly unreadable: readonly string[];
  /** Mount points below the path. */
  readonly submounts: readonly string[];
  /** Numeric owners with their counts, most frequent first. */
  readonly owners: readonly { readonly uid: number; readonly gid: number; readonly entries: number }[];
  readonly databases: readonly DatabaseFindings[];
  /** Image stores below the path, relative to it: left behind. */
  readonly imageStores: readonly string[];
  /** There is a `.drayage` at the top: the path is, or was, the top of a share. */
  readonly hasShareFolder?: boolean;
  /** Bytes per second that the guest's disk gave in a short read; undefined where not measured. */
  readonly readBytesPerSecond?: number;
}

export interface DatabaseFindings {
  /** `PostgreSQL`, `MariaDB`, `SQLite (WAL)`... */
  readonly kind: string;
  /** Relative to the source path. */
  readonly path: string;
  /** The mark that was seen. */
  readonly mark: string;
}
