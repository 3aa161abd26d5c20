import type { Readable } from 'node:stream';
import { lockedExitCode } from '../rsync-command.ts';
import { type Judged, judge, type PassWorld } from '../run-rsync.ts';
import type { Carrier } from './crew.ts';
import type { Part } from './parts.ts';
import type { Work } from './pool.ts';
import type { PartProgress } from './progress.ts';
import { directoriesOnly } from './stream-command.ts';
import { type StreamEnd, streamEnd, streamParser } from './stream-output.ts';

/** Parts by streams of tar. */
export class ByTar implements Carrier {
  unsettled = 0;
  /** What the first stream said that did not carry its part whole. */
  broken: string | undefined;
  /** How many entries it was is known when a part has ended. */
  readonly weigh = ({ bytes }: Work) => bytes;
  readonly #argv: readonly string[];
  readonly #judged: Judged;
  readonly #world: PassWorld;

  constructor(argv: readonly string[], judged: Judged, world: PassWorld) {
    this.#argv = argv;
    this.#judged = judged;
    this.#world = world;
  }

  get enough(): boolean {
    return this.broken !== undefined;
  }

  async carry(part: Part, names: Readable, progress: PartProgress, signal: AbortSignal): Promise<void> {
    const end = await this.#stream(this.#argv, names, signal, progress);
    if (signal.aborted || !this.#ended(end)) return;
    progress.made(part.entries);
    progress.finished();
  }

  /** Directories above the parts, in which nothing is made any more: their owners, modes, times and attributes. */
  async directories(paths: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    if (paths.length === 0) return;
    const names = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
    this.#ended(await this.#stream(directoriesOnly(this.#argv), names, signal));
  }

  async #stream(
    argv: readonly string[],
    stdin: Readable | Buffer,
    signal?: AbortSignal,
    progress?: PartProgress,
  ): Promise<StreamEnd> {
    const received: string[] = [];
    const parser = streamParser({
      read: (bytes) => progress?.sent(bytes),
      said: (line) => {
        if (received.length < 3) received.push(line);
      },
    });
    const { puller } = this.#world;
    const result = await puller.run(argv, {
      stdin,
      onStdout: (chunk) => parser.push(chunk),
      ...(signal === undefined ? {} : { signal }),
    });
    parser.push(result.stdout);
    parser.end();
    const stderr = result.stderr.toString('utf8');
    if (result.exitCode === lockedExitCode)
      judge(this.#judged, this.#world, { exitCode: lockedExitCode, stderr, unknown: [] });
    return streamEnd(result.exitCode, stderr, received);
  }

  #ended(end: StreamEnd): boolean {
    if ('broken' in end) {
      this.broken ??= end.broken;
      return false;
    }
    this.unsettled += end.unsettled;
    return true;
  }
}
