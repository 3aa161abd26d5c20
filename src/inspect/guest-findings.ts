import type { RsyncRefusal, VirtiofsDevice } from './findings.ts';

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
  readonly rsyncVersion?: string;
  readonly rsyncRefuses?: RsyncRefusal;
  readonly dockerVersion?: string;
  /** `docker compose`, or docker-compose as its plug-in. */
  readonly composeVersion?: string;
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
  /** Units that may run and start containers which their commands do not name (`podman-compose up`), scripts and cron jobs. Absent: none. */
  readonly startsContainers?: readonly ContainerStarter[];
  /** Drop-ins by which drayage fenced units of this guest, absolute paths. Absent: none. */
  readonly fences?: readonly string[];
}

/** What starts containers, and it cannot be told which, or they move and it cannot be fenced. */
export interface ContainerStarter {
  /** A unit; with `cron`, the file of a cron job. */
  readonly unit: string;
  /** undefined: the system manager, or root. */
  readonly user?: string;
  readonly cron?: true;
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
  /** Its unit plays it from a Kubernetes file, and removes it when it stops. */
  readonly played?: true;
  /** Compose project, if any. */
  readonly compose?: ComposeFindings;
  /** The active unit that runs its compose project: stopping that may remove the container, starting it makes it again. */
  readonly composeUnit?: string;
  /** Names of containers that must run before it does. Absent: none. */
  readonly needs?: readonly string[];
  /** Names of volumes that docker keeps for it (docker only). Absent: none. */
  readonly volumes?: readonly string[];
  /** Why it cannot be stopped and started again as it was (docker only). */
  readonly cannotFence?: string;
  /** `podman create ...` as it was typed, without values of environment variables; absent where podman does not tell. */
  readonly create?: CreateCommand;
}

/** What the labels of a container say about its compose project. */
export interface ComposeFindings {
  readonly project: string;
  /** Empty: the labels do not tell. */
  readonly service: string;
  /** The project's folder. */
  readonly folder?: string;
  /** Absolute paths of its compose files. */
  readonly files: readonly string[];
  /** Digest of the service's definition, by compose itself. */
  readonly hash?: string;
  /** Made by `compose run`, not by `compose up`. */
  readonly oneOff?: boolean;
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
