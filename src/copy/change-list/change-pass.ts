import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DrayageError } from '../../errors/error.ts';
import type { Host } from '../../ssh/host.ts';
import { printableName } from '../../verify/name.ts';
import { nulList } from '../../verify/records.ts';
import type { PassResult } from '../copy.ts';
import { copyError } from '../errors.ts';
import { topOf } from '../rsync-command.ts';
import { judge, namesShown, type PassProgress, runRsync, some } from '../run-rsync.ts';
import { directoriesWriter, directoryLine, readDirectories } from './directories.ts';
import { countBelow, list, namesOf, type Seen, type Side } from './look.ts';
import { type ChangeList, halfLinked, makeList } from './make-list.ts';
import { hasAncestorIn } from './names.ts';
import { type Scanned, scan } from './scan.ts';

/** The kernel stamps files by a clock that lags by up to a tick; a file listed for nothing costs nothing. */
export const marginSeconds = 5;

/** One pass over what has changed, as the plan's `copy` operation says it. */
export interface ChangePass {
  readonly move: string;
  /** Of `rsyncList`. */
  readonly argv: readonly string[];
  readonly source: { readonly path: string };
  readonly target: { readonly path: string };
  readonly exclude: readonly string[];
  readonly maxDelete: number;
  /** A list longer than this share of the tree's entries is not begun: between 0 and 1. */
  readonly maxShare: number;
  /** Nothing writes to the source any more: what vanishes is an error. */
  readonly frozen: boolean;
  /** The target is the share's top: its metadata and drayage's own folder there stay as they are. */
  readonly topIsShare: boolean;
}

/** What is known of the pass before this one. */
export interface Baseline {
  /** The source's clock before it was synced, before that pass looked at it: seconds since the epoch, without a margin. */
  readonly since: { readonly seconds: number };
  /** Its directories file: `writeDirectories`, or a pass's result. Stays as it is. */
  readonly directories: string;
  /** Names (relative, latin1, '' the top) that did not come out equal. */
  readonly pending: readonly string[];
  /** Entries of the tree. */
  readonly entries: number;
}

export interface ChangePassWorld {
  /** The machine that pulls. */
  readonly puller: Host;
  readonly source: Host;
  /** On the controller; the new directories file goes there. */
  readonly folder: string;
  readonly progress?: (progress: PassProgress) => void;
  readonly signal?: AbortSignal;
}

export type ChangePassResult =
  | ({
      readonly kind: 'done';
      /** Every name that was carried or deleted; relative, latin1, '' the top. */
      readonly listed: string[];
      /** What the source had at the listed names: `device:inode`. */
      readonly inodes: Map<string, string>;
      /** The directories file of this pass. */
      readonly directories: string;
      readonly scanSeconds: number;
      /** Entries of the source's tree. */
      readonly entries: number;
    } & PassResult)
  | { readonly kind: 'too-large'; readonly listed: number };

/** rsync's list: the process is there, connected, before the names are known. */
function laterNames(): { readonly stream: Readable; give(names: readonly string[]): void } {
  let give: (names: readonly string[]) => void = () => {};
  const names = new Promise<readonly string[]>((resolve) => {
    give = resolve;
  });
  async function* bytes() {
    yield* nulList(await names);
  }
  return { stream: Readable.from(bytes()), give };
}

interface Looked extends ChangeList {
  readonly carry: ReadonlyMap<string, Seen>;
  readonly scanned: Scanned;
  readonly scanSeconds: number;
}

type Sides = { readonly source: Side; readonly target: Side };

/** Everything that is looked at before rsync is given its names. */
async function look(
  pass: ChangePass,
  baseline: Baseline,
  sides: Sides,
  file: string,
): Promise<Looked | { readonly tooMany: number }> {
  const most = pass.maxShare * baseline.entries;
  const known = await readDirectories(baseline.directories);
  const writer = directoriesWriter(file);
  try {
    const begun = performance.now();
    const since = baseline.since.seconds - marginSeconds;
    const scanned = await scan(sides.source, since, known, writer, most);
    const scanSeconds = (performance.now() - begun) / 1000;
    if (scanned.changedCount > most) return { tooMany: scanned.changedCount };
    const listed = await listBoth(sides, scanned, baseline.pending, most);
    const carry = new Map([...scanned.changed, ...listed.carry]);
    if (carry.size > most) return { tooMany: carry.size };
    const linked = await namesOf(sides.source, halfLinked(carry, scanned.changed));
    for (const [name, seen] of linked) carry.set(name, seen);
    // As they were listed: one that was replaced since the scan is not taken for known next time.
    const fresh = [...listed.whole].filter(([, { type }]) => type === 'd');
    await writer.write(fresh.map(([name, { inode }]) => directoryLine(name, inode)));
    const made = makeList({ ...listed, carry });
    // A directory that the target lacks is made in the top, though the source's top did not change.
    const top = made.top || baseline.pending.some((name) => !name.includes('/'));
    return made.names.length > most
      ? { tooMany: made.names.length }
      : { ...made, top, carry, scanned, scanSeconds };
  } finally {
    await writer.end();
  }
}

/** The directories that changed, those that are new at their place in whole, and what is pending: on both sides at once. */
async function listBoth(
  { source, target }: Sides,
  scanned: Scanned,
  pending: readonly string[],
  most: number,
) {
  const fresh = new Set(scanned.fresh);
  const directories = [...scanned.changed]
    .filter(([name, { type }]) => type === 'd' && !fresh.has(name) && !hasAncestorIn(name, fresh))
    .map(([name]) => name);
  // What was pending may be gone from the source for good.
  const [whole, still, present, ...there] = await Promise.all([
    list(source, scanned.fresh, 'whole', most),
    list({ ...source, mayVanish: true }, pending, 'itself'),
    list(source, directories, 'children'),
    list(target, scanned.fresh, 'whole'),
    list(target, pending, 'itself'),
    list(target, directories, 'children'),
  ]);
  return {
    whole,
    carry: new Map([...whole, ...still]),
    present,
    target: new Map(there.flatMap((listing) => [...listing])),
  };
}

/** @throws copy/too-many-deletions before anything is deleted. */
async function countDeletions(
  pass: ChangePass,
  world: ChangePassWorld,
  target: Side,
  made: ChangeList,
): Promise<void> {
  const count = made.gone.length + (await countBelow(target, made.emptied));
  if (count <= pass.maxDelete) return;
  const among = [...made.gone, ...made.emptied].slice(0, namesShown).map(printableName);
  throw copyError('copy/too-many-deletions', {
    seen: `The pass of move ${pass.move} would delete ${count} entries; maxDelete is ${pass.maxDelete}. Among them:\n${[...new Set(among)].join('\n')}`,
    next: [
      `ssh ${world.source.name} ls -la ${pass.source.path}`,
      `if these are to go: set maxDelete of move ${pass.move} to ${count} in drayage.yaml, then: drayage plan`,
    ],
  });
}

/**
 * While the source is in use, what a race did to rsync (a directory that became a link under its hands: it gives up with
 * 2) or a connection that broke is seldom met again.
 */
const attempts = 3;
const worthAnother = new Set(['copy/not-every-file', 'copy/rsync-failed']);

/**
 * Carries what has changed on the source since the last pass, and nothing else: one walk over the source by metadata,
 * listings of the directories that changed, one rsync of exactly the names that differ. The caller has read the
 * source's clock and synced it, in this order, before.
 *
 * While the source is in use, a pass that could not carry every file is begun anew, with a new list. One that fails, or
 * is too large, leaves no directories file.
 * @throws copy/* as performPass does; frozen, also for every name that vanished.
 */
export async function performChangePass(
  pass: ChangePass,
  baseline: Baseline,
  world: ChangePassWorld,
): Promise<ChangePassResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await onePass(pass, baseline, world);
    } catch (error) {
      const again = error instanceof DrayageError && worthAnother.has(error.code);
      if (pass.frozen || !again || attempt === attempts || world.signal?.aborted) throw error;
    }
  }
}

/** rsync is started first and waits for its names, so that the connection is there when they are known. */
async function onePass(
  pass: ChangePass,
  baseline: Baseline,
  world: ChangePassWorld,
): Promise<ChangePassResult> {
  const exclude = [...pass.exclude, ...(pass.topIsShare ? ['.drayage'] : [])];
  const common = { exclude, ...(world.signal === undefined ? {} : { signal: world.signal }) };
  const source: Side = { host: world.source, path: pass.source.path, mayVanish: !pass.frozen, ...common };
  const target: Side = { host: world.puller, path: pass.target.path, mayVanish: true, ...common };
  const file = join(world.folder, `directories-${randomBytes(6).toString('hex')}.gz`);

  let planned: (name: string) => boolean = () => false;
  const vanished: string[] = [];
  const counts = { changed: 0, deleted: 0, bytes: 0 };
  const names = laterNames();
  const running = runRsync(
    world,
    pass.argv,
    ({ change, name }) => {
      if (change !== '*deleting') {
        counts.changed += 1;
        return;
      }
      counts.deleted += 1;
      const plain = name.replace(/\/$/, '');
      if (!planned(plain)) vanished.push(plain);
    },
    (progress) => {
      counts.bytes = progress.bytes.done;
      world.progress?.(progress);
    },
    names.stream,
  );
  running.catch(() => {});
  const judged = {
    move: pass.move,
    live: !pass.frozen,
    again: `drayage apply --until ${pass.frozen ? 'cutover' : 'seed'}`,
  };
  try {
    const looked = await look(pass, baseline, { source, target }, file);
    if ('tooMany' in looked) {
      names.give([]);
      judge(judged, world, await running);
      await rm(file, { force: true });
      return { kind: 'too-large', listed: looked.tooMany };
    }
    await countDeletions(pass, world, target, looked);
    const going = new Set([...looked.gone, ...looked.emptied]);
    planned = (name) => going.has(name) || hasAncestorIn(name, going);
    names.give(looked.names);
    const { unsettled } = judge(judged, world, await running);
    const top = looked.top && !pass.topIsShare;
    if (top) judge(judged, world, await runRsync(world, topOf(pass.argv), () => {}));
    if (pass.frozen && vanished.length > 0) throw changedAtRest(pass, world, vanished);
    return {
      kind: 'done',
      listed: [...(top ? [''] : []), ...looked.names],
      inodes: new Map([...looked.carry].map(([name, { inode }]) => [name, inode])),
      directories: file,
      scanSeconds: looked.scanSeconds,
      entries: looked.scanned.entries,
      ...counts,
      unsettled: unsettled + vanished.length,
    };
  } catch (error) {
    names.give([]);
    await running.catch(() => {});
    await rm(file, { force: true });
    throw error;
  }
}

function changedAtRest(pass: ChangePass, world: ChangePassWorld, vanished: readonly string[]): Error {
  return copyError('copy/not-every-file', {
    seen: `${vanished.length} ${vanished.length === 1 ? 'entry' : 'entries'} of move ${pass.move} vanished from the source while nothing should write to it:\n${some(vanished.map(printableName))}`,
    next: [
      `ssh ${world.source.name} fuser --verbose --mount ${pass.source.path}   # who still uses it`,
      'drayage apply --until cutover',
    ],
  });
}
