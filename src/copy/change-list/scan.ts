import { printableName } from '../../verify/name.ts';
import { copyError } from '../errors.ts';
import { anythingCommand } from './commands.ts';
import { type DirectoriesWriter, directoryLine } from './directories.ts';
import { notUnderstood, parseSeen, running, type Seen, type Side } from './look.ts';
import { hasAncestorIn } from './names.ts';
import type { Questions } from './questions.ts';

export interface Scanned {
  /** What has a ctime later than `since`, by name; at most `most` and one more are kept. */
  readonly changed: Map<string, Seen>;
  readonly changedCount: number;
  /** Directories that were not at their place before; only the topmost of each such tree. */
  readonly fresh: string[];
  /** Which of the directories that were asked about are there. */
  readonly standing: ReadonlySet<string>;
  /**
   * What has several names and did not change, by name; undefined where there is much of it. Without directories.
   */
  readonly linked: ReadonlyMap<string, Seen> | undefined;
  /** Of the whole tree, its top included. */
  readonly entries: number;
}

/** Names of inodes with several of them that are kept, some tens of megabytes; beyond it they are asked for when needed. */
const mostLinked = 100_000;

/** What walks over the source, opened before. */
export interface Walks {
  /** Its next question is `scanAll`. */
  readonly walk: Questions;
  /** Its next question is `scanOf`; of a source in use the caller asks whether that could see all. */
  readonly source: Questions;
}

/**
 * Goes through the source once, by two walks that share its directories: one alone keeps one core busy, and the other idle.
 * Directories that are where they were go to `writer`; memory grows with what changed.
 * @param others of `halfOf`, for the second walk
 * @param knownLines of the last directories file
 * @param asked directories whose presence the caller wants to know
 * @throws copy/source-not-as-expected when the path is empty, or another directory than before
 */
export async function scan(
  source: Side,
  walks: Walks,
  others: readonly string[],
  knownLines: ReadonlySet<string>,
  writer: DirectoriesWriter,
  most: number,
  asked: ReadonlySet<string> = new Set(),
): Promise<Scanned> {
  const tally = new Tally(source, knownLines, most, asked);
  const drained = () => writer.write(tally.newLines());
  const first = walks.walk.ask(['', ...others], { take: tally.take, drained });
  // Its records are understood when the top is known.
  const ready = Promise.race([tally.top, first.then(() => {})]);
  const second = walks.source.ask(others, { take: tally.take, ready, drained });
  for (const one of [ready, second]) one.catch(() => {});
  tally.add(await first);
  await walks.walk.settled();
  tally.add(await second);
  // At rest nothing is written to the target after an error. In use, more is asked of a command that met what has vanished.
  if (!source.mayVanish) await walks.source.settled();
  if (tally.topAlone) await refuseNothing(source);
  return tally.scanned();
}

/** What the walks tell, in one. */
class Tally {
  readonly #source: Side;
  readonly #known: ReadonlySet<string>;
  readonly #most: number;
  readonly #asked: ReadonlySet<string>;
  readonly #changed = new Map<string, Seen>();
  #changedCount = 0;
  #entries = 0;
  readonly #fresh = new Set<string>();
  readonly #standing = new Set<string>();
  #linked: Map<string, Seen> | undefined = new Map();
  #same: string[] = [];
  #device = '';
  #seeTop: () => void = () => {};
  /** The top has been seen. */
  readonly top: Promise<void> = new Promise((resolve) => {
    this.#seeTop = resolve;
  });

  constructor(source: Side, known: ReadonlySet<string>, most: number, asked: ReadonlySet<string>) {
    this.#source = source;
    this.#known = known;
    this.#most = most;
    this.#asked = asked;
  }

  /** Dots for entries that need no word, and one that does. */
  readonly take = (record: string): void => {
    const dots = record.search(/[^.]/);
    this.#entries += dots;
    const found = parseSeen(record.slice(dots + 1));
    if (record[dots] === 'C' && found !== undefined) {
      this.#changedCount += 1;
      if (this.#changed.size <= this.#most) this.#changed.set(found.name, found.seen);
      if (found.seen.type === 'd') this.#directory(found.name, found.seen.inode);
      return;
    }
    if (record[dots] === 'L' && found !== undefined) {
      this.#linked?.set(found.name, found.seen);
      if (this.#linked !== undefined && this.#linked.size > mostLinked) this.#linked = undefined;
      return;
    }
    const plain = /^D (\d+:\d+) (\.|\.\/.*)$/s.exec(record.slice(dots));
    if (plain === null) throw notUnderstood(this.#source, record.slice(dots));
    this.#directory((plain[2] as string).slice(2), plain[1] as string);
  };

  /** What comes after the last record of a walk. */
  add(dots: number): void {
    this.#entries += dots;
  }

  /** Of directories that are where they were, since the last call. */
  newLines(): string[] {
    const lines = this.#same;
    this.#same = [];
    return lines;
  }

  /** Of all that is not excluded. */
  get topAlone(): boolean {
    return this.#entries === 1;
  }

  scanned(): Scanned {
    const fresh = this.#fresh;
    return {
      changed: this.#changed,
      changedCount: this.#changedCount,
      fresh: [...fresh].filter((name) => !hasAncestorIn(name, fresh)),
      standing: this.#standing,
      linked: this.#linked,
      entries: this.#entries,
    };
  }

  #directory(name: string, inode: string): void {
    const [device = ''] = inode.split(':');
    if (name === '') this.#device = device;
    else if (device !== this.#device) throw otherFileSystem(this.#source, name);
    if (this.#asked.has(name)) this.#standing.add(name);
    const line = directoryLine(name, inode);
    if (this.#known.has(line)) this.#same.push(line);
    else if (name === '') throw notTheSame(this.#source);
    else if (!hasAncestorIn(name, this.#fresh)) this.#fresh.add(name);
    if (name === '') this.#seeTop();
  }
}

/** Its changes would not be seen from the next scan on, and what it covers looks unchanged when it is gone again. */
function otherFileSystem(source: Side, name: string): Error {
  const path = `${source.path}/${printableName(name)}`;
  return copyError('copy/source-not-as-expected', {
    seen: `${path} on ${source.host.name} is another file system, or a subvolume: it was mounted or made after the inspection.`,
    next: [`ssh ${source.host.name} findmnt --submounts ${source.path}`, 'drayage plan'],
  });
}

async function refuseNothing(source: Side): Promise<void> {
  const { exitCode, stderr } = await source.host.run(anythingCommand(source.path), running(source));
  if (exitCode !== 0) throw nothingHere(source, stderr.toString('utf8'));
}

/** The path of the source is no directory, or there is nothing in it. */
export function nothingHere(source: Side, said: string): Error {
  return copyError('copy/source-not-as-expected', {
    seen: `${source.path} on ${source.host.name} is missing, not a directory, or empty. ${said}`.trim(),
    next: looks(source),
  });
}

function notTheSame(source: Side): Error {
  return copyError('copy/source-not-as-expected', {
    seen: `${source.path} on ${source.host.name} is another directory than the one that was copied before: it was replaced, or what was mounted there is not.`,
    next: [...looks(source), 'if it is the right one: drayage apply --until seed'],
  });
}

function looks(source: Side): string[] {
  return [
    `ssh ${source.host.name} ls -la ${source.path}`,
    `ssh ${source.host.name} findmnt -T ${source.path}`,
  ];
}
