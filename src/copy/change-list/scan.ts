import { Readable } from 'node:stream';
import type { RunResult } from '../../ssh/host.ts';
import { printableName } from '../../verify/name.ts';
import { nulList, nulRecords } from '../../verify/records.ts';
import { copyError } from '../errors.ts';
import { anythingCommand, nothingThere, scanCommand, scanOfCommand } from './commands.ts';
import { type DirectoriesWriter, directoryLine, directoryNames } from './directories.ts';
import { checkFind, notUnderstood, parseSeen, running, type Seen, type Side } from './look.ts';
import { hasAncestorIn } from './names.ts';
import { halfOf } from './split.ts';

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

/**
 * Goes through the source once, by two walks that share its directories: one alone keeps one core busy, and the other idle.
 * Directories that are where they were go to `writer`; memory grows with what changed.
 * @param knownLines of the last directories file
 * @param asked directories whose presence the caller wants to know
 * @throws copy/source-not-as-expected when the path is empty, or another directory than before
 */
export async function scan(
  source: Side,
  since: number,
  knownLines: ReadonlySet<string>,
  writer: DirectoriesWriter,
  most: number,
  asked: ReadonlySet<string> = new Set(),
): Promise<Scanned> {
  const { path, exclude } = source;
  const tally = new Tally(source, knownLines, most, asked);
  const others = halfOf(directoryNames(knownLines), exclude);
  const first = walk(source, tally, writer, scanCommand(path, exclude, since, others));
  // Its records are understood when the top is known.
  const topSeen = Promise.race([tally.top, first.then(() => {})]);
  topSeen.catch(() => {});
  const stop = new AbortController();
  const second =
    others.length === 0
      ? undefined
      : walk(source, tally, writer, scanOfCommand(path, exclude, since), {
          until: topSeen,
          stdin: Readable.from(nulList(others.map((name) => `./${name}`))),
          stop: stop.signal,
        });
  second?.catch(() => {});
  try {
    const one = await first;
    if (one.exitCode === nothingThere) throw nothingHere(source, one.stderr.toString('utf8'));
    for (const ended of second === undefined ? [one] : [one, await second]) {
      checkFind(source, ended);
      tally.last(ended.rest);
    }
    if (tally.topAlone) await refuseNothing(source);
  } catch (error) {
    stop.abort(error);
    await second?.catch(() => {});
    throw error;
  }
  return tally.scanned();
}

/** One walk to its end. @param alike of one that goes on where another has begun */
async function walk(
  source: Side,
  tally: Tally,
  writer: DirectoriesWriter,
  command: readonly string[],
  alike?: { readonly until: Promise<void>; readonly stdin: Readable; readonly stop: AbortSignal },
): Promise<RunResult & { readonly rest: string }> {
  const parser = nulRecords((record) => tally.take(record));
  const push = async (chunk: Buffer) => {
    await alike?.until;
    parser.push(chunk);
    await writer.write(tally.newLines());
  };
  const signals = [source.signal, alike?.stop].filter((signal) => signal !== undefined);
  const result = await source.host.run(command, {
    onStdout: push,
    ...(alike === undefined ? {} : { stdin: alike.stdin }),
    ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
  });
  await push(result.stdout);
  return { ...result, rest: parser.rest() };
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
  take(record: string): void {
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
  }

  /** What comes after the last record of a walk. */
  last(rest: string): void {
    if (/[^.]/.test(rest)) throw notUnderstood(this.#source, rest);
    this.#entries += rest.length;
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

function nothingHere(source: Side, said: string): Error {
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
