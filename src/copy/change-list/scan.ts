import { printableName } from '../../verify/name.ts';
import { nulRecords } from '../../verify/records.ts';
import { copyError } from '../errors.ts';
import { nothingThere, scanCommand } from './commands.ts';
import { type DirectoriesWriter, directoryLine } from './directories.ts';
import { checkFind, notUnderstood, parseSeen, type Seen, type Side } from './look.ts';
import { hasAncestorIn } from './names.ts';

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
 * Walks the source once. Directories that are where they were go to `writer`; memory grows with what changed.
 * @param knownLines of the last directories file; the walk does not wait for them
 * @param asked directories whose presence the caller wants to know
 * @throws copy/source-not-as-expected when the path is empty, or another directory than before
 */
export async function scan(
  source: Side,
  since: number,
  knownLines: Promise<ReadonlySet<string>>,
  writer: DirectoriesWriter,
  most: number,
  asked: ReadonlySet<string> = new Set(),
): Promise<Scanned> {
  const changed = new Map<string, Seen>();
  let changedCount = 0;
  let entries = 0;
  const fresh = new Set<string>();
  const standing = new Set<string>();
  let known: ReadonlySet<string> = new Set();
  let linked: Map<string, Seen> | undefined = new Map();
  let same: string[] = [];
  let device = '';
  const directory = (name: string, inode: string) => {
    const [itsDevice = ''] = inode.split(':');
    if (name === '') device = itsDevice;
    else if (itsDevice !== device) throw otherFileSystem(source, name);
    if (asked.has(name)) standing.add(name);
    const line = directoryLine(name, inode);
    if (known.has(line)) same.push(line);
    else if (name === '') throw notTheSame(source);
    else if (!hasAncestorIn(name, fresh)) fresh.add(name);
  };
  const parser = nulRecords((record) => {
    const dots = record.search(/[^.]/);
    entries += dots;
    const found = parseSeen(record.slice(dots + 1));
    if (record[dots] === 'C' && found !== undefined) {
      changedCount += 1;
      if (changed.size <= most) changed.set(found.name, found.seen);
      if (found.seen.type === 'd') directory(found.name, found.seen.inode);
      return;
    }
    if (record[dots] === 'L' && found !== undefined) {
      linked?.set(found.name, found.seen);
      if (linked !== undefined && linked.size > mostLinked) linked = undefined;
      return;
    }
    const plain = /^D (\d+:\d+) (\.|\.\/.*)$/s.exec(record.slice(dots));
    if (plain === null) throw notUnderstood(source, record.slice(dots));
    directory((plain[2] as string).slice(2), plain[1] as string);
  });
  const push = async (chunk: Buffer) => {
    known = await knownLines;
    parser.push(chunk);
    await writer.write(same);
    same = [];
  };
  const result = await source.host.run(scanCommand(source.path, source.exclude, since), {
    onStdout: push,
    ...(source.signal === undefined ? {} : { signal: source.signal }),
  });
  await push(result.stdout);
  if (result.exitCode === nothingThere) throw nothingHere(source, result.stderr.toString('utf8'));
  checkFind(source, result);
  if (/[^.]/.test(parser.rest())) throw notUnderstood(source, parser.rest());
  return {
    changed,
    changedCount,
    fresh: [...fresh],
    standing,
    linked,
    entries: entries + parser.rest().length,
  };
}

/** Its changes would not be seen from the next scan on, and what it covers looks unchanged when it is gone again. */
function otherFileSystem(source: Side, name: string): Error {
  const path = `${source.path}/${printableName(name)}`;
  return copyError('copy/source-not-as-expected', {
    seen: `${path} on ${source.host.name} is another file system, or a subvolume: it was mounted or made after the inspection.`,
    next: [`ssh ${source.host.name} findmnt --submounts ${source.path}`, 'drayage plan'],
  });
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
