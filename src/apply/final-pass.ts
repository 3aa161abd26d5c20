import { isDeepStrictEqual } from 'node:util';
import type { ChangePassResult } from '../copy/change-list/change-pass.ts';
import type { Readers } from '../verify/compare-listed.ts';
import {
  type Baseline,
  clockDoubt,
  copyFolder,
  dropBaseline,
  forgetManifests,
  keepDoubt,
  marksOf,
  newFolder,
  readBaseline,
} from './baseline.ts';
import { readClock, readClockLater } from './clock.ts';
import {
  type Copy,
  entries,
  entriesOf,
  refuseUnguarded,
  say,
  shareOf,
  sidesOfCopy,
  telling,
} from './copy-parts.ts';
import { type FinalMarks, setMoveMarks } from './marks.ts';
import type { World } from './world.ts';

/**
 * Exactly what the comparison after the final pass must read; everything else is known to be equal. It is kept in memory
 * only: when the run ends between the pass and its proof, the next one performs the pass again.
 */
export interface FinalPass {
  readonly listed: readonly string[];
  readonly inodes: ReadonlyMap<string, string>;
  /** For its comparison, at work since rsync was. */
  readonly readers?: Readers | undefined;
}

/** The last pass, from a source at rest: by the list of what has changed, or over the whole tree where it cannot be trusted. */
export async function finalPass(operation: Copy, world: World, step: string): Promise<void> {
  await marksOf(operation, world);
  const begun = world.now();
  const { final, marks } = await carry(operation, world, step);
  world.finals.set(operation.move, final);
  const seconds = Math.max(0, (world.now() - begun) / 1000);
  const before = await marksOf(operation, world);
  await setMoveMarks(world.marks, operation.move, { ...before, final: { ...marks, seconds } });
}

interface Listed {
  readonly result: ChangePassResult;
  readonly readers: Readers | undefined;
}

interface Carried {
  readonly final: FinalPass;
  readonly marks: Omit<FinalMarks, 'seconds'>;
}

async function carry(operation: Copy, world: World, step: string): Promise<Carried> {
  const because = operation.full;
  const read = because === undefined ? await readBaseline(operation, world) : { because };
  const waiting = takePrepared(operation, world, 'baseline' in read ? read.baseline : undefined);
  if ('because' in read) return whole(operation, read.because, false, world, step);
  const known = read.baseline;
  const pass = waiting ?? prepare(operation, known, world, step);
  pass.begin();
  let passed: Listed;
  try {
    passed = await pass.passing;
    // A list that is too large is not refused: nothing was to be touched.
    await pass.refuse();
  } catch (error) {
    // A source that was booted meanwhile may also have looked like another one.
    const doubt = await pass.doubt.catch(() => undefined);
    if (doubt === undefined) throw error;
    return whole(operation, doubt, false, world, step);
  }
  const { result, readers } = passed;
  if (result.kind === 'too-large') {
    const tooMany = `${entries(result.listed)} have changed, more than ${Math.round(operation.maxShare * 100)} % of ${entries(known.entries)}`;
    return whole(operation, tooMany, true, world, step);
  }
  const { listed, inodes, changed, deleted, bytes } = result;
  say(
    world,
    `Last copy of ${operation.move} by its list of changes: ${entries(listed.length)}, ${deleted} deleted.`,
  );
  return {
    final: { listed, inodes, readers },
    marks: { how: 'change-list', listed: listed.length, changed, deleted, bytes },
  };
}

/** A last pass by list whose processes are there, connected, and wait: nothing has been looked at. */
export interface PreparedPass {
  /** What it is made from. */
  readonly of: { readonly operation: Copy; readonly known: Baseline };
  begin(): void;
  readonly passing: Promise<Listed>;
  /** What the source's clock says against it. */
  readonly doubt: Promise<string | undefined>;
  /** @throws where there is doubt */
  readonly refuse: () => Promise<void>;
  /** Gives it up. */
  close(): void;
}

/**
 * While the workloads stop. One at a time: a connection of sshd has ten sessions, unless told otherwise (sshd_config,
 * MaxSessions).
 */
export async function prepareFinalPass(operation: Copy, world: World, step: string): Promise<void> {
  if (world.prepared.size > 0 || operation.full !== undefined) return;
  const read = await readBaseline(operation, world);
  if ('baseline' in read) world.prepared.set(operation.move, prepare(operation, read.baseline, world, step));
}

/** The one that waits for this copy; where it began from something else, it is given up. */
function takePrepared(operation: Copy, world: World, known: Baseline | undefined): PreparedPass | undefined {
  const waiting = world.prepared.get(operation.move);
  world.prepared.delete(operation.move);
  if (waiting === undefined || isDeepStrictEqual(waiting.of, { operation, known })) return waiting;
  waiting.close();
  return undefined;
}

function prepare(operation: Copy, known: Baseline, world: World, step: string): PreparedPass {
  const { source } = sidesOfCopy(operation, world);
  const begin = Promise.withResolvers<void>();
  // Asked beside the look at the source, which does not wait for it; waited for before the target is touched.
  const doubt = readClockLater(source.host, world.stop, begin.promise).then((now) =>
    clockDoubt(known, now, operation.source.host),
  );
  const refuse = async () => {
    const because = await doubt;
    if (because !== undefined) throw new Error(because);
  };
  // Without a sync: a store through a mapping since the last one has touched ctime, and nothing is stored any more.
  const passing = byList(operation, known, shareOf(operation, known), world, step, {
    begin: begin.promise,
    refuse,
  });
  for (const one of [begin.promise, doubt, passing]) one.catch(() => {});
  const close = () => begin.reject(new Error('the last pass was given up'));
  return { of: { operation, known }, begin: begin.resolve, passing, doubt, refuse, close };
}

/** @param after what is waited for before anything is looked at, and what is asked before the target is touched */
async function byList(
  operation: Copy,
  known: Baseline,
  maxShare: number,
  world: World,
  step: string,
  after: { readonly begin?: Promise<void>; readonly refuse?: () => Promise<void> } = {},
): Promise<Listed> {
  const { move, target, source, exclude, maxDelete, listArgv } = operation;
  const { topIsShare } = target;
  const sides = sidesOfCopy(operation, world);
  const open = async () => {
    const algorithm = await world.digest([sides.source.host, sides.target.host]);
    return world.readers(sides, algorithm, world.stop);
  };
  // Without them the comparison opens its own, and tells what is wrong.
  const opening = open().catch(() => undefined);
  const passing = world.changes(
    { move, argv: listArgv, source, target, exclude, maxDelete, maxShare, frozen: true, topIsShare },
    known,
    {
      puller: sides.target.host,
      source: sides.source.host,
      signal: world.stop,
      progress: telling(world, step, 'what has changed since'),
      ...(after.begin === undefined ? {} : { begin: after.begin }),
      keepDoubt: async (names) => {
        await after.refuse?.();
        await keepDoubt(move, names, world);
      },
      onCarry: (parts) => {
        opening.then((readers) => readers?.begin(parts));
      },
    },
  );
  try {
    const result = await passing;
    const readers = await opening;
    if (result.kind === 'done') return { result, readers };
    readers?.close();
    return { result, readers: undefined };
  } catch (error) {
    (await opening)?.close();
    throw error;
  }
}

/**
 * Without a list: rsync over everything, then everything read on both sides. rsync takes files of equal size and time
 * for equal; what is found to differ is carried by its name.
 * @param remembered digests that were taken before the window hold where inode, ctime and size are the same
 */
async function whole(
  operation: Copy,
  because: string,
  remembered: boolean,
  world: World,
  step: string,
): Promise<Carried> {
  const { move, target } = operation;
  say(world, `The whole tree of ${move} is passed over and read: ${because}.`, 'warning');
  const sides = sidesOfCopy(operation, world);
  // A look at the source may lie between the guards of the operation and this.
  await refuseUnguarded(operation, world, step);
  await dropBaseline(move, true, world);
  const passed = await world.pass(operation, {
    puller: sides.target.host,
    source: sides.source.host,
    signal: world.stop,
    progress: telling(world, step, 'the whole tree', entriesOf(world, move)),
  });
  // A source that went away meanwhile would be found equal to what it left of the target.
  await refuseUnguarded(operation, world, step);
  if (!remembered) await forgetManifests(move, world);
  const since = await readClock(sides.source.host, world.stop);
  const folder = await newFolder(move, world);
  const found = await world.settle(sides, {
    kept: copyFolder(world, move),
    folder,
    algorithm: await world.digest([sides.source.host, sides.target.host]),
    live: false,
    topIsShare: target.topIsShare,
    signal: world.stop,
    progress: telling(world, step, 'both sides read and compared'),
  });
  await refuseUnguarded(operation, world, step);
  const { changed, deleted, bytes } = passed;
  const marks = { how: 'full-pass' as const, because, changed, deleted, bytes };
  say(
    world,
    `Last copy of ${move}: ${entries(changed)} carried, ${deleted} deleted; ${entries(found.entries)} read on both sides, ${found.pending.length} not equal yet.`,
  );
  if (found.pending.length === 0) return { final: { listed: [], inodes: new Map() }, marks };
  const { result: again, readers } = await byList(operation, { ...found, since }, 1, world, step);
  if (again.kind === 'too-large') throw new Error('a list was refused that may hold everything');
  return {
    final: { listed: again.listed, inodes: again.inodes, readers },
    marks: {
      ...marks,
      changed: changed + again.changed,
      deleted: deleted + again.deleted,
      bytes: bytes + again.bytes,
    },
  };
}
