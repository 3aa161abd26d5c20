/** What was carried so far, by all processes together. */
export interface Work {
  readonly entries: number;
  readonly bytes: number;
}

export interface Rate {
  readonly processes: number;
  readonly entriesPerSecond: number;
  readonly bytesPerSecond: number;
}

export interface ProbeTimes {
  /** How many processes are the fewest, 1 unless told. */
  readonly fewest?: number;
  /** After a process more has begun, until its ssh and rsync are at work. */
  readonly settleMs: number;
  readonly measureMs: number;
}

const usualTimes: ProbeTimes = { settleMs: 1000, measureMs: 3000 };

/** As many more processes must carry this much more, or they are not worth what they take from the workloads. */
const worth = 1.1;

/**
 * How many processes pay: one (or the fewest that are worth a try), twice as many ... as long as the measured rate rises enough; then the best number.
 * Told every moment how many run and what they have carried.
 */
export class Pool {
  readonly rates: Rate[] = [];
  /** How many processes should run now. */
  wanted: number;
  readonly #most: number;
  readonly #weigh: (work: Work) => number;
  readonly #times: ProbeTimes;
  #best = 0;
  #decided: boolean;
  /** Since when `wanted` processes run, and what had been carried when they had settled. */
  #runningSince: number | undefined;
  #from: { readonly at: number; readonly work: Work } | undefined;

  constructor(most: number, weigh: (work: Work) => number, times: ProbeTimes = usualTimes) {
    this.#most = Math.max(1, most);
    this.#weigh = weigh;
    this.#times = times;
    this.wanted = Math.min(times.fewest ?? 1, this.#most);
    this.#decided = this.#most === this.wanted;
  }

  /** Is the best number known? */
  get decided(): boolean {
    return this.#decided;
  }

  /** @param at milliseconds of a clock that never goes back. */
  observe(at: number, running: number, work: Work): void {
    if (this.#decided) return;
    if (running !== this.wanted) {
      this.#runningSince = undefined;
      this.#from = undefined;
      return;
    }
    this.#runningSince ??= at;
    if (this.#from === undefined) {
      if (at - this.#runningSince >= this.#times.settleMs) this.#from = { at, work };
      return;
    }
    const carried = {
      entries: work.entries - this.#from.work.entries,
      bytes: work.bytes - this.#from.work.bytes,
    };
    if (carried.entries === 0 && carried.bytes === 0) {
      // What was there already says nothing.
      this.#from = { at, work };
      return;
    }
    const seconds = (at - this.#from.at) / 1000;
    if (seconds * 1000 >= this.#times.measureMs) this.#judge(carried, seconds);
  }

  #judge(carried: Work, seconds: number): void {
    const rate = this.#weigh(carried) / seconds;
    this.rates.push({
      processes: this.wanted,
      entriesPerSecond: carried.entries / seconds,
      bytesPerSecond: carried.bytes / seconds,
    });
    this.#runningSince = undefined;
    this.#from = undefined;
    const before = this.rates.at(-2);
    if (before !== undefined && rate < this.#best * worth) {
      this.wanted = before.processes;
      this.#decided = true;
      return;
    }
    this.#best = rate;
    if (this.wanted === this.#most) this.#decided = true;
    else this.wanted = Math.min(this.wanted * 2, this.#most);
  }
}
