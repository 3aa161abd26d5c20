import type { performBulk } from '../copy/bulk/bulk.ts';
import type { performChangePass } from '../copy/change-list/change-pass.ts';
import type { performPass } from '../copy/copy.ts';
import type { Hosts } from '../ssh/host.ts';
import type { compareListed, openReaders } from '../verify/compare-listed.ts';
import type { compareTrees } from '../verify/compare-trees.ts';
import type { commonDigest } from '../verify/digest.ts';
import type { MoveReport } from '../verify/report.ts';
import type { Sink } from './events.ts';
import type { FinalPass, PreparedPass } from './final-pass.ts';
import type { Journal } from './journal.ts';
import type { MarksStore } from './marks.ts';
import type { settleTrees } from './settle.ts';

/** What apply needs of the Proxmox API. Errors are DrayageErrors with Proxmox's own words. */
export interface ClusterApi {
  /** The `data` of a GET; undefined when Proxmox says that there is no such object. */
  get(path: string): Promise<unknown>;
  /** The `data` of the answer: for a task its UPID. */
  call(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    params: Readonly<Record<string, string | number | readonly string[]>>,
  ): Promise<unknown>;
  /** Resolves when the task ended well; throws what its log says otherwise. */
  waitForTask(upid: string, options: { timeoutSeconds?: number; signal?: AbortSignal }): Promise<unknown>;
}

/** Everything that a run touches, so that a test can give it another one. */
export interface World {
  readonly hosts: Hosts;
  readonly cluster: ClusterApi;
  readonly journal: Journal;
  readonly marks: MarksStore;
  readonly sink: Sink;
  /** Folder of this run, for evidence. */
  readonly runPath: string;
  readonly runName: string;
  readonly planId: string;
  /** First Ctrl-C: finish the operation at hand, begin no other. */
  readonly finish: AbortSignal;
  /** Second Ctrl-C: give up what runs. */
  readonly stop: AbortSignal;
  /** Folder of what the copies of all moves keep between runs. */
  readonly copies: string;
  /** What the inspection counted below the source of each move. */
  readonly census: Readonly<Record<string, { readonly entries: number; readonly bytes: number }>>;
  /** Files to be read by `drayage verify --sample`; absent: a proof reads everything. */
  readonly sample?: number;
  /** What steps of this run have found out, by step id; absent where nothing is performed. */
  readonly known?: Map<string, string>;
  /** The final passes of this run, by move. */
  readonly finals: Map<string, FinalPass>;
  /** Those that wait for their workloads to stop. */
  readonly prepared: Map<string, PreparedPass>;
  readonly bulk: typeof performBulk;
  readonly pass: typeof performPass;
  readonly changes: typeof performChangePass;
  readonly settle: typeof settleTrees;
  readonly digest: typeof commonDigest;
  readonly readers: typeof openReaders;
  readonly listed: typeof compareListed;
  readonly compare: typeof compareTrees;
  /** Takes what a comparison found, for the report. */
  readonly compared: (report: MoveReport) => void;
  /** Milliseconds since the epoch, of the controller. */
  readonly now: () => number;
  /** Ends early, and well, when the signal is aborted. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}
