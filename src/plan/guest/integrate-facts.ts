import type { Findings } from '../../inspect/findings.ts';
import type { FleetFileEdit } from '../fleet/write-hosts.ts';
import type { ConfigFile } from './facts.ts';

/** Parts of `drayage guest integrate` that can be left out. */
export const integrateParts = [
  'known-hosts',
  'hosts',
  'hardware',
  'module',
  'configuration',
  'secrets',
  'share',
  'entry',
] as const;
export type IntegratePart = (typeof integrateParts)[number];

/** hosts.nix, as it is and as it shall be. */
export interface HostsFacts {
  readonly file: string;
  /** Absent: it says already what is known. */
  readonly edit?: FleetFileEdit;
  /** Edits that were refused, each with the text to paste. */
  readonly byHand: readonly string[];
}

/** What was seen of a guest that joins the fleet. */
export interface IntegrateFacts {
  readonly file: ConfigFile;
  readonly name: string;
  readonly vmid: number;
  /** For ssh, as drayage.yaml has it or shall have it. */
  readonly destination: string;
  readonly sudo: boolean;
  /** What drayage.yaml has of it. */
  readonly entered: { readonly vmid?: number; readonly ssh?: string };
  /** ssh configuration that drayage.yaml names. */
  readonly sshConfig?: string;
  readonly hostKey: {
    /** `ssh-ed25519`. */
    readonly type: string;
    /** Base64. */
    readonly key: string;
    readonly fingerprint: string;
    /** Whose word it is. */
    readonly by: 'agent' | 'operator';
  };
  /** The operator's known_hosts, and what it has of this name. */
  readonly knownHosts: {
    readonly file: string;
    readonly name: string;
    /** Fingerprint of another key of the same type that stands there. */
    readonly other?: string;
  };
  /** ID of /etc/os-release. */
  readonly os: string;
  readonly missingTools: readonly string[];
  /** Containers that stop with the guest. */
  readonly running: readonly string[];
  /** Cluster, node, shares and the guest's virtual machine. */
  readonly findings: Findings;
  /** What was found of the moves into it; absent: the sources were not looked at. */
  readonly moves?: Findings;
  /** Absent: drayage.yaml names no hosts.nix, or its part is left out. */
  readonly hosts?: HostsFacts;
  /** Only of a NixOS guest of a fleet with a hosts.nix. */
  readonly nixos?: NixosFacts;
}

/** The operator's own NixOS configuration, and what the guest needs in it. */
export interface NixosFacts {
  /** Folder with the flake. */
  readonly folder: string;
  /** Name of the configuration: the attribute of the host in hosts.nix. */
  readonly attribute: string;
  readonly hostsFile: string;
  /** The folder is in a git repository: a flake sees only what git knows. */
  readonly inGit: boolean;
  /** `nixos-generate-config --show-hardware-config` is what is wanted. */
  readonly hardware?: LaidFile & { readonly wanted: string };
  /** `drayage.nix` in the folder of the host; absent: the layout is another one. */
  readonly module?: LaidFile & {
    /** Another file of the folder that names it; absent: nothing imports it yet. */
    readonly importedBy?: string;
  };
  /** What the flake would make of the guest; absent where this could not be evaluated. */
  readonly toplevel?: string;
  readonly sops?: {
    /** The guest as a recipient of age. */
    readonly recipient: string;
    /** `.sops.yaml` names it. */
    readonly named: boolean;
    /** Encrypted files that do not have it yet. */
    readonly files: readonly string[];
  };
}

/** A file in the folder of the host. */
export interface LaidFile {
  readonly path: string;
  /** Its text. */
  readonly present?: string;
}
