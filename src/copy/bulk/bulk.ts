import { DrayageError } from '../../errors/error.ts';
import type { Host } from '../../ssh/host.ts';
import { printableName } from '../../verify/name.ts';
import { checkSource, type Pass, type PassResult, performPass } from '../copy.ts';
import { copyError, copyErrors } from '../errors.ts';
import { gatherMs, type Judged, judge, type PassWorld, type Ran, runRsync } from '../run-rsync.ts';
import { holdLock } from './lock.ts';
import { partNames } from './names.ts';
import { lockOf } from './part-command.ts';
import { type Part, Parts, weightOf } from './parts.ts';
import { Pool, type ProbeTimes, type Rate } from './pool.ts';
import { BulkProgress } from './progress.ts';
import { scanTree } from './scan.ts';

export interface BulkPass extends Pass {
  /** `rsyncPart`'s: one of several processes, its names on stdin. */
  readonly partArgv: readonly string[];
  /** Paths relative to the source path, as in `argv`. */
  readonly exclude: readonly string[];
}

export interface BulkWorld extends PassWorld {
  /** Most rsync processes at once, 4 unless told; never more than the puller has cores, but two. */
  readonly most?: number;
  readonly tuning?: BulkTuning;
}

/** Weights are `weightOf`'s: bytes, and 50,000 for each entry. */
export interface BulkTuning {
  /** A tree that weighs less goes by one process. */
  readonly small: number;
  /** Less is not worth a process of its own. */
  readonly leastPart: number;
  readonly probeTimes?: ProbeTimes;
}

export interface BulkResult extends PassResult {
  /** rsync processes that were found to pay. */
  readonly processes: number;
  readonly probe: readonly Rate[];
}

const usuallyMost = 4;
/**
 * Small: about 20,000 small files and a gigabyte, 8 s of work; there, looking for the best number of processes costs more
 * than it brings. The least part: one to two seconds of work, beside 0.3 s to begin.
 */
const usualTuning: BulkTuning = { small: 2e9, leastPart: 400e6 };
const lookMs = 100;

/**
 * The first copy of a tree, without deletions: a small one by `pass.argv`; a larger one in parts, by as many rsync
 * processes as the measured rate says that they pay. All names of an inode are in the same part. Run again after an
 * interruption it goes on. What appears meanwhile in a directory that was divided is left to a later pass.
 * @throws copy/* as `performPass`; the first part that fails ends the others and is named, per-file errors of all parts
 *   are collected.
 */
export async function performBulk(pass: BulkPass, world: BulkWorld): Promise<BulkResult> {
  const { tuning = usualTuning, signal } = world;
  const parts = world.most === 1 ? undefined : await partsOf(pass, world, tuning.leastPart);
  if (parts === undefined || parts.left < 2 || weightOf(parts.totals) < tuning.small)
    return { ...(await performPass(pass, world)), processes: 1, probe: [] };
  await checkSource(pass, world.source);
  const most = Math.min(world.most ?? usuallyMost, Math.max(2, await coresOf(world.puller)));
  const lock = await holdLock(world.puller, lockOf(pass.partArgv), signal);
  if (!lock.held) {
    judge(judged(pass), world, { exitCode: lock.exitCode, stderr: lock.stderr, unknown: [] });
    throw new Error('a lock that is not held is an error');
  }
  try {
    return await new Bulk(pass, world, parts, most).run();
  } finally {
    await lock.release();
  }
}

async function partsOf(pass: BulkPass, world: BulkWorld, leastPart: number): Promise<Parts | undefined> {
  const totals = await scanTree(
    world.source,
    pass.source.path,
    pass.exclude,
    world.signal === undefined ? {} : { signal: world.signal },
  );
  return totals === undefined ? undefined : new Parts(totals, leastPart);
}

/** Cores of a machine; no limit where it does not say. */
async function coresOf(host: Host): Promise<number> {
  const result = await host.run(['nproc']);
  const cores = Number(result.stdout.toString('latin1'));
  return result.exitCode === 0 && cores > 0 ? cores : Infinity;
}

const judged = (pass: Pass): Judged => ({ move: pass.move, live: true, again: 'drayage apply --until seed' });

/** One pass by several processes. */
class Bulk {
  readonly #pass: BulkPass;
  readonly #world: BulkWorld;
  readonly #parts: Parts;
  readonly #most: number;
  readonly #pool: Pool;
  readonly #progress: BulkProgress;
  readonly #running = new Set<Promise<void>>();
  /** Ends all parts: the first failure, or the caller. */
  readonly #end = new AbortController();
  #failure: unknown;
  /** What parts said that could not carry single entries. */
  readonly #perFile: Ran[] = [];
  #unsettled = 0;

  constructor(pass: BulkPass, world: BulkWorld, parts: Parts, most: number) {
    this.#pass = pass;
    this.#world = world;
    this.#parts = parts;
    this.#most = most;
    this.#pool = new Pool(most, weightOf, world.tuning?.probeTimes);
    this.#progress = new BulkProgress(parts.totals, world.progress);
  }

  async run(): Promise<BulkResult> {
    const { signal } = this.#world;
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
    this.#judgePerFile();
    return {
      changed: this.#progress.carried.entries,
      deleted: 0,
      bytes: this.#progress.carried.bytes,
      unsettled: this.#unsettled,
      processes: this.#pool.wanted,
      probe: this.#pool.rates,
    };
  }

  /** As many processes as are wanted, while there are parts. */
  #start(): void {
    while (!this.#end.signal.aborted && this.#running.size < this.#pool.wanted) {
      const part = this.#parts.take(this.#most);
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
    const { source, puller } = this.#world;
    const { signal } = this.#end;
    const over = new AbortController();
    const { names, listed } = partNames(
      part,
      source,
      this.#pass.source.path,
      AbortSignal.any([signal, over.signal]),
    );
    // A part whose names cannot be listed is ended; one that has ended needs no more names.
    const listing = listed.catch((error) => {
      if (!over.signal.aborted && !signal.aborted) this.#fail(error);
      names.destroy();
    });
    const progress = this.#progress.part(part);
    let ran: Ran;
    try {
      ran = await runRsync(
        { puller, source, signal, gatherMs },
        this.#pass.partArgv,
        (item) => progress.item(item),
        (seen) => progress.sent(seen.bytes.done),
        names,
      );
    } finally {
      over.abort();
      await listing;
    }
    if (signal.aborted) return;
    this.#judge(part, ran);
    progress.finished();
  }

  #judge(part: Part, ran: Ran): void {
    try {
      this.#unsettled += judge(judged(this.#pass), this.#world, ran).unsettled;
    } catch (error) {
      // The others go on, as one rsync would: the end names them all.
      if (error instanceof DrayageError && error.code === 'copy/not-every-file') this.#perFile.push(ran);
      else throw inPart(part, error);
    }
  }

  #judgePerFile(): void {
    if (this.#perFile.length === 0) return;
    const exitCode = Math.min(...this.#perFile.map((ran) => ran.exitCode));
    const stderr = this.#perFile.map((ran) => ran.stderr).join('\n');
    judge(judged(this.#pass), this.#world, { exitCode, stderr, unknown: [] });
  }
}

/** The error, and which part of the tree it was. */
function inPart(part: Part, error: unknown): unknown {
  if (!(error instanceof DrayageError) || !(error.code in copyErrors)) return error;
  const [first, ...more] = part.units;
  const name = printableName(first?.path ?? '');
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return copyError(error.code as keyof typeof copyErrors, {
    seen: `${error.seen}\nwhile ${name}${others} was copied`,
    meaning: error.meaning,
    next: error.next,
    cause: error,
  });
}
