import type { Readable } from 'node:stream';
import { DrayageError } from '../../errors/error.ts';
import { printableName } from '../../verify/name.ts';
import { copyError, copyErrors } from '../errors.ts';
import { gatherMs, type Judged, judge, type PassWorld, type Ran, runRsync } from '../run-rsync.ts';
import type { Carrier } from './crew.ts';
import { type Part, weightOf } from './parts.ts';
import type { PartProgress } from './progress.ts';

/** Parts by rsync processes, whose ends are judged as one pass. */
export class ByRsync implements Carrier {
  readonly enough = false;
  unsettled = 0;
  readonly weigh = weightOf;
  readonly #argv: readonly string[];
  readonly #judged: Judged;
  readonly #world: PassWorld;
  /** What parts said that could not carry single entries. */
  readonly #perFile: Ran[] = [];

  constructor(argv: readonly string[], judged: Judged, world: PassWorld) {
    this.#argv = argv;
    this.#judged = judged;
    this.#world = world;
  }

  async carry(part: Part, names: Readable, progress: PartProgress, signal: AbortSignal): Promise<void> {
    const { puller, source } = this.#world;
    const ran = await runRsync(
      { puller, source, signal, gatherMs },
      this.#argv,
      (item) => progress.item(item),
      (seen) => progress.sent(seen.bytes.done),
      names,
    );
    if (signal.aborted) return;
    this.#judge(part, ran);
    progress.finished();
  }

  #judge(part: Part, ran: Ran): void {
    try {
      this.unsettled += judge(this.#judged, this.#world, ran).unsettled;
    } catch (error) {
      // The others go on, as one rsync would: the end names them all.
      if (error instanceof DrayageError && error.code === 'copy/not-every-file') this.#perFile.push(ran);
      else throw inPart(part, error);
    }
  }

  /** @throws copy/not-every-file with what all parts could not carry */
  judgePerFile(): void {
    if (this.#perFile.length === 0) return;
    const exitCode = Math.min(...this.#perFile.map((ran) => ran.exitCode));
    const stderr = this.#perFile.map((ran) => ran.stderr).join('\n');
    judge(this.#judged, this.#world, { exitCode, stderr, unknown: [] });
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
