import type { Findings } from '../../inspect/findings.ts';
import type { Plan } from '../plan.ts';

/** What must be known of one move before its old data may go. Times are ISO. */
export interface FinalizeFacts {
  /** Of the run that saw the workloads before the window. */
  readonly recorded?: { readonly plan: Plan; readonly findings: Findings };
  /** The last full proof without differences. */
  readonly provenAt?: string;
  /** Of the old data; absent where it could not be looked at. */
  readonly source?: {
    /** Digest of names and metadata: what is shown is what is deleted. */
    readonly digest: string;
    /** Absent: nothing but directories is left. */
    readonly newest?: { readonly read: string; readonly written: string; readonly changed: string };
    /** `noatime`, `relatime`, `strictatime` of its mount; absent: not known. */
    readonly atime?: string;
  };
  /** Names of the share's snapshots, without the dataset. */
  readonly snapshots: readonly string[];
}
