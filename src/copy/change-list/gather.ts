import { setImmediate } from 'node:timers/promises';
import { longestName } from '../../verify/manifest-command.ts';
import { counting, listing, scanAll, scanOf } from './commands.ts';
import {
  type DirectoriesWriter,
  directoriesWriter,
  directoryLine,
  directoryNames,
  nowhere,
  readDirectories,
} from './directories.ts';
import { list, namesOf, type Seen, type Side } from './look.ts';
import { type ChangeList, halfLinked, inPlace, type Looked, makeList } from './make-list.ts';
import { ancestors, hasAncestorIn, parentOf } from './names.ts';
import { askFor, openQuestions, type Questions } from './questions.ts';
import { nothingHere, type Scanned, scan, type Walks } from './scan.ts';
import { halfOf } from './split.ts';

/** The kernel stamps files by a clock that lags by up to a tick; a file listed for nothing costs nothing. */
export const marginSeconds = 5;

/** What is known of the pass before this one. */
export interface Baseline {
  /** The source's clock before it was synced, before that pass looked at it: seconds since the epoch, without a margin. */
  readonly since: { readonly seconds: number };
  /** Its directories file: of `writeDirectories`, or of a pass. Stays as it is. */
  readonly directories: string;
  /** Names (relative, latin1, '' the top) that did not come out equal. */
  readonly pending: readonly string[];
  /** Entries of the tree. */
  readonly entries: number;
}

/** What a pass is to carry, and how that was seen. */
export interface Gathered extends ChangeList {
  readonly carry: ReadonlyMap<string, Seen>;
  /** Entries of the target below `emptied`, all levels together. */
  readonly below: number;
  /** Pending names that were out of sight, with the directory they are in, after the scan had passed it. */
  readonly away: readonly string[];
  /** The new directories file is on the disk. */
  readonly written: Promise<void>;
  /** Ends the commands that looked: each end takes some milliseconds, and can wait for a better time. */
  readonly close: () => readonly Promise<void>[];
  readonly scanned: Scanned;
  readonly scanSeconds: number;
}

/** Who hears what a look finds before its end. */
export interface Hearing {
  /**
   * The walks over the source are on their way: all else waits for them, so what begins now takes nothing from their start.
   * @returns until when the target is not looked at: a pass that was left behind may still write to it
   */
  readonly walks: () => Promise<unknown>;
  /** Until then nothing is looked at. */
  readonly begin?: Promise<void> | undefined;
  /** What has changed and is written into where it is on the target, and its sizes; once. All of it is among `names` later. */
  readonly inPlace: (files: ReadonlyMap<string, number>) => void;
}

export type Sides = { readonly source: Side; readonly target: Side };

/**
 * Everything that is looked at before rsync is given its names.
 * @param file takes the directories of this scan; undefined: they are not kept
 * @param most names; more are only counted
 */
export async function gather(
  outside: Sides,
  baseline: Baseline,
  file: string | undefined,
  most: number,
  on: Hearing,
): Promise<Gathered | { readonly tooMany: number }> {
  const { exclude } = outside.source;
  // rsync carries a name of its list even where it lies below an excluded folder (3.5.0, tried).
  const behind = new Set(exclude.map((path) => Buffer.from(path, 'utf8').toString('latin1')));
  const pending = baseline.pending.filter((name) => !behind.has(name) && !hasAncestorIn(name, behind));
  if (pending.length > most) {
    await on.begin;
    return { tooMany: pending.length };
  }
  const ended = new AbortController();
  const sides = within(outside, ended.signal);
  const open = () => openAll(sides, baseline.since.seconds - marginSeconds);
  const opened = [open()];
  const close = () => opened.flatMap((all) => Object.values(all).map((questions) => questions.end()));
  const writer = file === undefined ? nowhere : directoriesWriter(file);
  try {
    const known = await readDirectories(baseline.directories);
    const others = halfOf(directoryNames(known), exclude);
    await on.begin;
    // A connection may have been lost while it waited.
    if (Object.values(opened[0] as Opened).some(({ over }) => over)) opened.push(open());
    const walks = { others, known, writer };
    const looked = await look(sides, opened.at(-1) as Opened, walks, pending, most, on);
    const written = writer.end();
    written.catch(() => {});
    if (!('tooMany' in looked)) return { ...looked, written, close };
    close();
    await written;
    return looked;
  } catch (error) {
    ended.abort(error);
    await Promise.all(close());
    await writer.end();
    throw error;
  }
}

/** What both sides will be asked, which so is there beside the scan: what is left for after it is only the answers. */
interface Opened extends Walks {
  readonly target: Questions;
}

function openAll({ source, target }: Sides, since: number): Opened {
  const { exclude } = source;
  const missing = (said: string) => nothingHere(source, said);
  const walk = openQuestions(source, [scanAll(exclude, since)], missing);
  const listings = [listing(exclude, 'whole', 'seen'), listing(exclude, 'children', 'seen')];
  return {
    walk,
    source: openQuestions(source, [scanOf(exclude, since), ...listings], missing),
    target: openQuestions(target, [
      listing(target.exclude, 'itself', 'seen'),
      listing(target.exclude, 'whole', 'kind'),
      listing(target.exclude, 'children', 'kind'),
      counting,
    ]),
  };
}

async function look(
  sides: Sides,
  opened: Opened,
  walks: {
    readonly others: readonly string[];
    readonly known: ReadonlySet<string>;
    readonly writer: DirectoriesWriter;
  },
  pending: readonly string[],
  most: number,
  on: Hearing,
): Promise<Omit<Gathered, 'written' | 'close'> | { readonly tooMany: number }> {
  const begun = performance.now();
  const { others, known, writer } = walks;
  const parents = new Set(pending.map(parentOf));
  const scanning = scan(sides.source, opened, others, known, writer, most, parents);
  scanning.catch(() => {});
  await setImmediate();
  const alone = on.walks();
  alone.catch(() => {});
  const scanned = await scanning;
  const scanSeconds = (performance.now() - begun) / 1000;
  await alone;
  if (scanned.changedCount > most) return { tooMany: scanned.changedCount };
  const looked = await lookAfter(sides, scanned, pending, writer, most, opened, on);
  return 'tooMany' in looked ? looked : { ...looked, scanned, scanSeconds };
}

/** Both sides, given up also by this signal. */
function within({ source, target }: Sides, signal: AbortSignal): Sides {
  const both = (side: Side): Side => ({
    ...side,
    signal: side.signal === undefined ? signal : AbortSignal.any([side.signal, signal]),
  });
  return { source: both(source), target: both(target) };
}

async function lookAfter(
  sides: Sides,
  scanned: Scanned,
  pending: readonly string[],
  writer: DirectoriesWriter,
  most: number,
  questions: Opened,
  on: Hearing,
): Promise<Omit<Gathered, 'written' | 'close' | 'scanned' | 'scanSeconds'> | { readonly tooMany: number }> {
  const listed = await listBoth(sides, questions, scanned, pending, most, on);
  const carry = new Map([...scanned.changed, ...listed.whole, ...listed.still]);
  for (const [name, seen] of await lostEntries(sides, { ...listed, carry }, most)) carry.set(name, seen);
  if (carry.size > most) return { tooMany: carry.size };
  for (const [name, seen] of await otherNames(sides.source, halfLinked(carry, scanned.changed), scanned))
    carry.set(name, seen);
  // As they were listed: one that was replaced since the scan is not taken for known next time.
  const fresh = [...listed.whole].filter(([, { type }]) => type === 'd');
  await writer.write(fresh.map(([name, { inode }]) => directoryLine(name, inode)));
  const made = makeList({ ...listed, carry });
  // A directory that the target lacks is made in the top, though the source's top did not change.
  const top = made.top || pending.some((name) => !name.includes('/'));
  if (made.names.length > most) return { tooMany: made.names.length };
  const below = await questions.target.ask(made.emptied, { take: () => {} });
  await questions.target.settled();
  return { ...made, top, carry, below, away: listed.away };
}

/** All names of these inodes: as the scan saw them, or by a walk of their own. */
async function otherNames(
  source: Side,
  inodes: ReadonlySet<string>,
  { linked }: Scanned,
): Promise<[string, Seen][]> {
  const names = inodes.size === 0 ? [] : [...(linked ?? (await namesOf(source, inodes)))];
  return names.filter(([, { inode }]) => inodes.has(inode));
}

type Listed = Awaited<ReturnType<typeof listBoth>>;

/** The directories that changed, those that are new at their place in whole, and what is pending: on both sides at once. */
async function listBoth(
  { source, target }: Sides,
  questions: Opened,
  scanned: Scanned,
  pending: readonly string[],
  most: number,
  on: Hearing,
) {
  const fresh = new Set(scanned.fresh);
  const directories = [...scanned.changed]
    .filter(([name, { type }]) => type === 'd' && !fresh.has(name) && !hasAncestorIn(name, fresh))
    .map(([name]) => name);
  const abovePending = new Set(['', ...pending.flatMap((name) => [...ancestors(name)])]);
  const files = [...scanned.changed]
    .filter(([name, { type }]) => type === 'f' && name.length <= longestName)
    .map(([name]) => name);
  const asked = new Set([...pending, ...files]);
  const above = files.flatMap((name) => [...ancestors(name)]);
  const ofTarget = async () => {
    const there = await askFor(target, questions.target, 'seen', [...new Set([...asked, ...above])]);
    on.inPlace(inPlace(scanned.changed, there));
    const whole = await askFor(target, questions.target, 'kind', scanned.fresh);
    return { there, whole, children: await askFor(target, questions.target, 'kind', directories) };
  };
  const ofSource = async () => {
    const whole = await askFor(source, questions.source, 'seen', scanned.fresh, most);
    const present = await askFor(source, questions.source, 'seen', directories);
    await questions.source.settled();
    return { whole, present };
  };
  // What was pending may be gone from the source for good.
  const [{ whole, present }, here, onTarget] = await Promise.all([
    ofSource(),
    list({ ...source, mayVanish: true }, pending.length === 0 ? [] : [...abovePending, ...pending], 'itself'),
    ofTarget(),
  ]);
  const { there } = onTarget;
  // What is asked for through a link in the place of a directory is another file.
  const inSight = (name: string) => [...ancestors(name)].every((above) => here.get(above)?.type === 'd');
  const still = pending.flatMap((name): [string, Seen][] => {
    const seen = here.get(name);
    return seen === undefined || !inSight(name) ? [] : [[name, seen]];
  });
  const isAway = (name: string) => scanned.standing.has(parentOf(name)) && !inSight(name);
  return {
    whole,
    still: new Map(still),
    away: pending.filter(isAway),
    present,
    target: new Map([
      ...[...there].filter(([name]) => asked.has(name)),
      ...onTarget.whole,
      ...onTarget.children,
    ]),
  };
}

/**
 * What the target lacks of a changed directory, and what is below a directory that it lacks, however old that is: one
 * that was away when the last pass asked for its names, and is back at its place, does not look new.
 */
async function lostEntries(
  { source }: Sides,
  { still, whole, carry, present, target }: Looked & Pick<Listed, 'still' | 'whole'>,
  most: number,
): Promise<Map<string, Seen>> {
  const lost = [...present, ...still].filter(
    ([name, { type }]) => !whole.has(name) && target.get(name)?.type !== type,
  );
  const directories = new Set(lost.filter(([, { type }]) => type === 'd').map(([name]) => name));
  const topmost = [...directories].filter((name) => !hasAncestorIn(name, directories));
  const below = await list(source, topmost, 'whole', most);
  return new Map([...lost, ...below].filter(([name]) => !carry.has(name)));
}
