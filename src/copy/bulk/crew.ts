import type { Readable } from 'node:stream';
import type { PassResult, PassWorld } from '../copy.ts';
import { partNames } from './names.ts';
import type { Part, Parts } from './parts.ts';
import { Pool, type ProbeTimes, type Rate, type Work } from './pool.ts';
import { BulkProgress, type PartProgress } from './progress.ts';

/** What carries one part after another, several at once. */
export interface Carrier {
  /** @throws what ends all parts */
  carry(part: Part, names: Readable, progress: PartProgress, signal: AbortSignal): Promise<void>;
  /** What of the work done so far tells how fast it goes. */
  weigh(work: Work): number;
  /** No further part is begun; those at work go on to their ends. */
  readonly enough: boolean;
}

export interface CrewOptions extends PassWorld {
  readonly path: string;
  readonly most: number;
  readonly probeTimes?: ProbeTimes;
}

export interface CrewResult extends Pick<PassResult, 'changed' | 'bytes'> {
  /** Processes that were found to pay. */
  readonly processes: number;
  readonly probe: readonly Rate[];
}

const lookMs = 100;

/** All parts of a tree, by as many processes at once as pay. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #parts: Parts;
  readonly #carrier: Carrier;
  readonly #pool: Pool;
  readonly #progress: BulkProgress;
  readonly #running = new Set<Promise<void>>();
  /** Ends all parts: the first failure, or the caller. */
  readonly #end = new AbortController();
  #failure: unknown;

  constructor(parts: Parts, carrier: Carrier, options: CrewOptions) {
    this.#options = options;
    this.#parts = parts;
    this.#carrier = carrier;
    this.#pool = new Pool(options.most, (work) => carrier.weigh(work), options.probeTimes);
    this.#progress = new BulkProgress(parts.totals, options.progress);
  }

  async run(): Promise<CrewResult> {
    const { signal } = this.#options;
    const stop = () => this.#end.abort();
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    const looking = setInterval(() => {
      this.#pool.observe(performance.now(), this.#running.size, this.#progress.carried);
      this.#start();
    }, lookMs);
    try {
      this.#start();
      while (this.#running.size > 0) {
        await Promise.race(this.#running);
        this.#start();
      }
    } finally {
      clearInterval(looking);
      signal?.removeEventListener('abort', stop);
    }
    if (this.#end.signal.aborted) throw this.#failure ?? signal?.reason;
    if (!this.#carrier.enough) this.#progress.ended();
    return {
      changed: this.#progress.carried.entries,
      bytes: this.#progress.carried.bytes,
      processes: this.#pool.wanted,
      probe: this.#pool.rates,
    };
  }

  /** As many processes as are wanted, while there are parts. */
  #start(): void {
    while (!this.#end.signal.aborted && !this.#carrier.enough && this.#running.size < this.#pool.wanted) {
      const part = this.#parts.take(this.#options.most, this.#pool.decided ? 'heaviest' : 'lightest');
      if (part === undefined) return;
      const run: Promise<void> = this.#run(part)
        .catch((error) => this.#fail(error))
        .finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#end.abort();
  }

  async #run(part: Part): Promise<void> {
    const { source, path } = this.#options;
    const { signal } = this.#end;
    const over = new AbortController();
    const { names, listed } = partNames(
      part,
      this.#parts.directories,
      source,
      path,
      AbortSignal.any([signal, over.signal]),
    );
    // A part whose names cannot be listed is ended; one that has ended needs no more names.
    const listing = listed.catch((error) => {
      if (!over.signal.aborted && !signal.aborted) this.#fail(error);
      names.destroy();
    });
    try {
      await this.#carrier.carry(part, names, this.#progress.part(part), signal);
    } finally {
      over.abort();
      await listing;
    }
  }
}
