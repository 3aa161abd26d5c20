import type { Findings } from '../../inspect/findings.ts';
import type { Operation } from '../operation.ts';
import type { Plan, Step } from '../plan.ts';

/** What becomes of what the target has written since the hand-over. */
export type Choice = 'carry-back' | 'discard';

/** Entries of the place in the share that are not as the snapshot of the cutover has them. */
export interface Written {
  readonly added: number;
  readonly changed: number;
  readonly gone: number;
  /** There is more than was counted. */
  readonly more: boolean;
  /** `+ web/log`, `~ web/index.html`, `- web/old`: the first ones, printable. */
  readonly first: readonly string[];
}

/** A step that a run performed, wholly or in part, as the plan of that run had it. */
export interface Performed {
  readonly step: Step;
}

/** What a rollback of one move must know beside the findings. */
export interface MoveFacts {
  /** In the order of the plan. */
  readonly performed: readonly Performed[];
  /** Of the run that saw the workloads before its window. */
  readonly recorded?: { readonly plan: Plan; readonly findings: Findings };
  /** Steps of a window that is still open, in the order in which they began, with what takes them back. */
  readonly window: readonly { readonly step: string; readonly undo: readonly Operation[] }[];
  /** After the hand-over, where the snapshot of the cutover is there. */
  readonly written?: Written;
  /**
   * Whether the snapshot of the cutover has the source's names and metadata; and a digest of these with inodes and change
   * times, by which it is known later that nothing was done to the source since.
   */
  readonly source?: { readonly asLeft: boolean; readonly state: string };
  /** What a rollback that did not come to its end has noted beside the release. */
  readonly carryBack: 'none' | 'begun' | 'done';
}

export interface ShareFacts {
  readonly performed: readonly Performed[];
  /** Names of its snapshots, without the dataset. */
  readonly snapshots: readonly string[];
  /** Entries at its top that are neither drayage's folder nor the place of a move. */
  readonly strangers: readonly string[];
}

export interface RollbackFacts {
  readonly moves: Readonly<Record<string, MoveFacts>>;
  readonly shares: Readonly<Record<string, ShareFacts>>;
}
