import type { Stage } from '../plan/plan.ts';

/** How far something has come; `total` is absent until it is known. */
export interface Amount {
  readonly done: number;
  readonly total?: number;
}

/** One part of a projected window, such as `stopping 5 workloads`. */
export interface WindowPart {
  readonly what: string;
  readonly seconds: number;
}

/** How far one piece of work came in the end. */
export interface Counted {
  readonly what: string;
  readonly files: Amount;
  readonly bytes: Amount;
}

export type StepOutcome = 'in-place' | 'done' | 'failed';

/** The one stream of what a run does. Printed as one JSON object per line by `--json`; nothing in it is secret. */
export type Event =
  | { readonly type: 'run-started'; readonly run: string; readonly plan: string; readonly steps: number }
  | {
      readonly type: 'step-started';
      readonly step: string;
      readonly stage: Stage;
      readonly title: string;
      readonly number: number;
      readonly of: number;
    }
  | {
      readonly type: 'step-finished';
      readonly step: string;
      readonly outcome: StepOutcome;
      readonly seconds: number;
      /** What its pieces of work had counted when it ended. Filled in by `measured`. */
      readonly counted?: readonly Counted[];
    }
  | { readonly type: 'operation-started'; readonly step: string; readonly what: string }
  | {
      readonly type: 'operation-finished';
      readonly step: string;
      readonly what: string;
      readonly ok: boolean;
    }
  | {
      readonly type: 'progress';
      readonly step: string;
      /** Names one piece of work: what begins again within a step has another name, or an operation of its own. */
      readonly what: string;
      readonly files: Amount;
      readonly bytes: Amount;
      /** Whole percents of files and bytes, the smaller; 99 at most while it goes on. This and the rest: by `measured`. */
      readonly percent?: number;
      /** Over the last two minutes; absent until it can be told. */
      readonly filesPerSecond?: number;
      readonly bytesPerSecond?: number;
      /** At those rates, until the totals are reached; only where there is a total. */
      readonly secondsLeft?: number;
    }
  | {
      readonly type: 'gate';
      readonly phase: string;
      readonly expectedWindowSeconds: number;
      /** What the projected window is made of; they add up to it. */
      readonly parts?: readonly WindowPart[];
    }
  /** Nobody answers for the downtime yet: a person must come. Only after `gate`. */
  | { readonly type: 'waiting'; readonly phase: string; readonly expectedWindowSeconds: number }
  | { readonly type: 'window-opened'; readonly phase: string }
  | {
      readonly type: 'window-closed';
      readonly phase: string;
      readonly seconds: number;
      /** What was projected at the gate; absent where this run did not ask. */
      readonly expectedSeconds?: number;
      /** The workloads were started on the source again: nothing was handed over. */
      readonly takenBack?: boolean;
    }
  /** A comparison of both sides has ended. */
  | {
      readonly type: 'compared';
      readonly move: string;
      readonly scope: 'changed' | 'full' | 'sample';
      readonly entries: number;
      readonly differences: number;
    }
  | { readonly type: 'message'; readonly level: 'info' | 'warning' | 'error'; readonly text: string }
  /** `error`: the code of what ended it early. */
  | { readonly type: 'run-finished'; readonly exitCode: number; readonly error?: string };

export type Sink = (event: Event) => void;
