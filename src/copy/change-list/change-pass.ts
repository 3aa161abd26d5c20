import { rm } from 'node:fs/promises';
import { DrayageError } from '../../errors/error.ts';
import type { Host } from '../../ssh/host.ts';
import type { Part } from '../../verify/compare-listed.ts';
import { printableName } from '../../verify/name.ts';
import type { PassResult } from '../copy.ts';
import { copyError } from '../errors.ts';
import { notData } from '../not-data.ts';
import { topOf } from '../rsync-command.ts';
import { judge, namesShown, type PassProgress, runRsync, some } from '../run-rsync.ts';
import { type Carriers, startCarriers } from './carriers.ts';
import { type Baseline, type Gathered, gather } from './gather.ts';
import { holdLine } from './line.ts';
import type { Side } from './look.ts';
import { hasAncestorIn } from './names.ts';

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

export interface ChangePassWorld {
  /** The machine that pulls. */
  readonly puller: Host;
  readonly source: Host;
  /** File on the controller that takes the directories of this pass; absent: no pass begins where this one ends. */
  readonly directories?: string;
  readonly progress?: (progress: PassProgress) => void;
  readonly signal?: AbortSignal;
  /**
   * Keeps the names, before the target is touched at any of them: until this pass is known to be complete, nobody can say
   * what the target has there. All of them are pending for the next pass from the same baseline.
   */
  readonly keepDoubt: (names: readonly string[]) => Promise<void>;
  /** Until then nothing is looked at, but all is opened for it. Rejected: there will be no pass. */
  readonly begin?: Promise<void>;
  /** All names are given: from here on only the rsyncs are waited for. @param parts all of `listed` but what was away */
  readonly onCarry?: (parts: readonly Part[]) => void;
}

export type { Baseline } from './gather.ts';

export type ChangePassResult =
  | ({
      readonly kind: 'done';
      /** Every name that was carried or deleted, or is still in doubt; relative, latin1, '' the top. */
      readonly listed: string[];
      /** What the source had at the listed names: `device:inode`. A name that has another, or none, is pending. */
      readonly inodes: Map<string, string>;
      readonly scanSeconds: number;
      /** Entries of the source's tree. */
      readonly entries: number;
    } & PassResult)
  | { readonly kind: 'too-large'; readonly listed: number };

/** @throws copy/too-many-deletions before anything is deleted. */
function refuseDeletions(pass: ChangePass, world: ChangePassWorld, made: Gathered): void {
  const count = made.gone.length + made.below;
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
  const doubtful = new Set(baseline.pending);
  const keepDoubt = async (names: readonly string[]) => {
    for (const name of names) doubtful.add(name);
    await world.keepDoubt([...doubtful]);
  };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await onePass(pass, { ...baseline, pending: [...doubtful] }, { ...world, keepDoubt });
    } catch (error) {
      const again = error instanceof DrayageError && worthAnother.has(error.code);
      if (pass.frozen || !again || attempt === attempts || world.signal?.aborted) throw error;
    }
  }
}

/** The rsyncs are started beside the look at the source and wait for their names: they are connected when these are known. */
async function onePass(
  pass: ChangePass,
  baseline: Baseline,
  world: ChangePassWorld,
): Promise<ChangePassResult> {
  const sides = sidesOf(pass, world);
  const walking = Promise.withResolvers<void>();
  const alone = Promise.withResolvers<unknown>();
  const found = Promise.withResolvers<ReadonlyMap<string, number>>();
  const most = pass.maxShare * baseline.entries;
  const walks = () => {
    walking.resolve();
    return alone.promise;
  };
  const on = { walks, inPlace: found.resolve, begin: world.begin };
  const looking = gather(sides, baseline, world.directories, most, on);
  await Promise.race([walking.promise, looking]);
  const line = holdLine(world.puller, pass.argv, world.signal);
  alone.resolve(line.ready);
  let connection: 'keep' | 'end' | 'leave' = 'end';
  try {
    const carriers = startCarriers(pass, world, line.ready);
    const early = pass.frozen ? carryEarly(found.promise, looking, carriers, world) : undefined;
    const result = await carryChanges(pass, looking, early, carriers, world);
    connection = pass.frozen ? 'leave' : 'keep';
    return result;
  } finally {
    await line.close(connection);
    looking.then(
      (looked) => 'close' in looked && looked.close(),
      () => {},
    );
  }
}

/**
 * What is written in place needs no more than itself to be known, and takes the longest: it begins before the list is made.
 * Not of a source in use, where a directory may become a link while the one rsync already writes below it.
 */
async function carryEarly(
  found: Promise<ReadonlyMap<string, number>>,
  looking: ReturnType<typeof gather>,
  carriers: Carriers,
  world: ChangePassWorld,
): Promise<void> {
  const files = await Promise.race([found, looking.then(() => new Map<string, number>())]);
  if (files.size > 0) await world.keepDoubt([...files.keys()]);
  carriers.carryInPlace(files);
}

function sidesOf(pass: ChangePass, world: ChangePassWorld): { source: Side; target: Side } {
  const exclude = [...pass.exclude, ...(pass.topIsShare ? notData : [])];
  const common = { exclude, ...(world.signal === undefined ? {} : { signal: world.signal }) };
  const source: Side = { host: world.source, path: pass.source.path, mayVanish: !pass.frozen, ...common };
  const target: Side = { host: world.puller, path: pass.target.path, mayVanish: true, ...common };
  return { source, target };
}

async function carryChanges(
  pass: ChangePass,
  looking: ReturnType<typeof gather>,
  early: Promise<void> | undefined,
  carriers: Carriers,
  world: ChangePassWorld,
): Promise<ChangePassResult> {
  const { directories } = world;
  const judged = {
    move: pass.move,
    live: !pass.frozen,
    again: `drayage apply --until ${pass.frozen ? 'cutover' : 'seed'}`,
    argv: pass.argv,
  };
  try {
    early?.catch(() => {});
    const looked = await looking;
    if ('tooMany' in looked) {
      await early;
      for (const ran of await carriers.carry([], () => false).ending) judge(judged, world, ran);
      await forget(directories);
      return { kind: 'too-large', listed: looked.tooMany };
    }
    const top = looked.top && !pass.topIsShare;
    const listed = [...(top ? [''] : []), ...looked.names];
    refuseDeletions(pass, world, looked);
    // The doubt is kept in one file: the shorter list first.
    await early;
    await world.keepDoubt(listed);
    const going = new Set([...looked.gone, ...looked.emptied]);
    const planned = (name: string) => going.has(name) || hasAncestorIn(name, going);
    const { parts, ending } = carriers.carry(looked.names, planned);
    const setTop = Promise.withResolvers<void>();
    world.onCarry?.(top ? [...parts, { names: [''], written: setTop.promise }] : parts);
    const ended = await ending;
    const unsettled = ended.map((ran) => judge(judged, world, ran).unsettled);
    if (top) judge(judged, world, await runRsync(world, topOf(pass.argv), () => {}));
    setTop.resolve();
    const { vanished, counts } = carriers;
    if (pass.frozen && vanished.length > 0) throw changedAtRest(pass, world, vanished);
    await looked.written;
    const away = pass.frozen ? [] : looked.away;
    return {
      kind: 'done',
      listed: [...listed, ...away],
      inodes: new Map([
        ...[...looked.carry].map(([name, { inode }]): [string, string] => [name, inode]),
        ...away.map((name): [string, string] => [name, 'away']),
      ]),
      scanSeconds: looked.scanSeconds,
      entries: looked.scanned.entries,
      ...counts,
      unsettled: unsettled.reduce((sum, one) => sum + one, vanished.length),
    };
  } catch (error) {
    await early?.catch(() => {});
    await carriers.carry([], () => false).ending.catch(() => {});
    await forget(directories);
    throw error;
  }
}

async function forget(file: string | undefined): Promise<void> {
  if (file !== undefined) await rm(file, { force: true });
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
