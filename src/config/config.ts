import type { CreateConfig } from './create-schema.ts';

/** The configuration as the rest of the program sees it: names resolved, defaults filled in, every key present. */
export interface Config {
  /** Path of the file it came from, for messages. */
  readonly file: string;
  readonly cluster: ClusterAccess;
  readonly ssh: { readonly config?: string };
  readonly nodes: Readonly<Record<string, NodeConfig>>;
  readonly guests: Readonly<Record<string, GuestConfig>>;
  /** Guests that drayage makes, or has made, whether they are among `guests` already or not. */
  readonly wishes: Readonly<Record<string, GuestWish>>;
  readonly shares: Readonly<Record<string, ShareConfig>>;
  readonly moves: Readonly<Record<string, MoveConfig>>;
  readonly phases: readonly PhaseConfig[];
  readonly notify?: NotifyConfig;
  /** Absolute path. */
  /** Days between the proof of a move and the deletion of its old data. */
  readonly finalize: { readonly soakDays: number };
  readonly metrics?: { readonly file: string };
  readonly tofu?: TofuConfig;
  /** Absolute path of hosts.nix. */
  readonly hosts?: { readonly file: string };
}

export interface NotifyConfig {
  readonly kind: 'generic' | 'ntfy' | 'gotify';
  /** http or https. Its path and query may be secret: only its origin is shown. */
  readonly url: string;
  /** Absolute path. */
  readonly tokenFile?: string;
  readonly stalledMinutes: number;
}

export interface TofuConfig {
  /** Absolute path. */
  readonly folder: string;
  /** A name on the PATH, or an absolute path. */
  readonly binary?: string;
  /** As it is written: `0.111.1`, `~> 0.93.0`. */
  readonly provider: string;
  readonly providerFile: boolean;
}

export interface ClusterAccess {
  /** `https://host:8006`; undefined only when neither file nor environment names one. */
  readonly endpoint?: string;
  /** Upper case, `AA:BB:...`. */
  readonly fingerprint?: string;
  /** Absolute path. */
  readonly ca?: string;
  /** Absolute path. */
  readonly tokenFile?: string;
}

export interface NodeConfig {
  readonly name: string;
  readonly ssh: string;
  /** How another node reaches it. */
  readonly sshFromNode: string;
}

export interface GuestConfig {
  readonly name: string;
  readonly vmid: number;
  readonly ssh: string;
  readonly sudo: boolean;
  readonly sshFromNode: string;
}

/** A guest with `create`. Without `vmid` it has no number yet, without `ssh` nobody has looked for its address. */
export interface GuestWish {
  readonly name: string;
  readonly vmid?: number;
  readonly ssh?: string;
  /** Its name in Proxmox VE, where hosts.nix gives it another one than its own. */
  readonly vmName?: string;
  readonly create: CreateConfig;
}

export interface ShareConfig {
  readonly name: string;
  readonly node: string;
  readonly dataset: string;
  /** The pool: first component of the dataset. */
  readonly pool: string;
  /** Mount point on the node, absolute. */
  readonly path: string;
  readonly recordsize?: string;
  /** Id of the directory mapping = virtiofs tag. */
  readonly mapping: string;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Four octal digits. */
  readonly mode: string;
  /** Mount path in the guests, absolute. */
  readonly mount: string;
  readonly cache: 'auto' | 'always' | 'metadata' | 'never';
  /** By node: where the share can be for a while. */
  readonly maintenance: Readonly<Record<string, ElsewhereConfig>>;
}

/** The place of a share on another node than its own. */
export interface ElsewhereConfig {
  readonly node: string;
  readonly dataset?: string;
  readonly path: string;
  readonly mounted: boolean;
  /** Guests that are not carried. */
  readonly without: readonly string[];
  readonly maxDelete: number;
}

export interface MoveConfig {
  readonly name: string;
  readonly phase: string;
  readonly from: { readonly guest: string; readonly path: string; readonly mounted: boolean };
  readonly to: {
    readonly share: string;
    readonly guest: string;
    /** Relative to the top of the share; `.` is the top itself. */
    readonly as: string;
    /** Absolute path on the node: share path + as. */
    readonly path: string;
  };
  readonly definitions: 'carry' | 'present';
  readonly ignore: readonly string[];
  readonly alsoUnits: readonly string[];
  readonly exclude: readonly string[];
  readonly databases: Readonly<Record<string, 'move' | 'leave'>>;
  readonly maxDelete: number;
  readonly copy: {
    /** Most passes over what has changed, before the downtime is asked for. */
    readonly rounds: number;
    /** Entries: a pass that found no more of them is the last one. */
    readonly settled: number;
    /** Most processes of the first copy. */
    readonly processes: number;
  };
}

export interface PhaseConfig {
  readonly name: string;
  readonly moves: readonly string[];
  readonly after?: string;
}
