import type { NotSeen } from '../../inspect/findings.ts';
import type { VmConfig } from '../../proxmox/vm-config.ts';

/** drayage.yaml as it is on the disk of this machine. */
export interface ConfigFile {
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly text: string;
  readonly sha256: string;
  /** Four octal digits. */
  readonly mode: string;
}

export interface SeenVm {
  readonly vmid: number;
  readonly node: string;
  readonly name: string;
  readonly running: boolean;
  readonly template: boolean;
  /** Absent where this token may not read it. */
  readonly config?: VmConfig;
}

/** What `drayage guest new` has seen of the cluster. */
export interface NewGuestFacts {
  readonly file: ConfigFile;
  /** Absent: this token sees no VM of that number. */
  readonly template?: SeenVm;
  /** Every template that this token sees. */
  readonly templates: readonly Pick<SeenVm, 'vmid' | 'name'>[];
  /** VMs that have the guest's name, or its number. */
  readonly alike: readonly SeenVm[];
  /** A clone that is locked, and whose task does not run any more. */
  readonly stuck?: Pick<SeenVm, 'vmid' | 'node'>;
  /** What this token may not do and the plan needs. */
  readonly missing: readonly NotSeen[];
  /** Public keys for cloud-init, one on each line. */
  readonly sshKeys?: string;
}
