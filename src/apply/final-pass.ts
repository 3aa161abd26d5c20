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
import { type Clock, readClock } from './clock.ts';
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
  /** For its comparison, opened while rsync was at work. */
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
  if (operation.full !== undefined) return whole(operation, operation.full, false, world, step);
  const { source } = sidesOfCopy(operation, world);
  const read = await readBaseline(operation, world);
  if ('because' in read) return whole(operation, read.because, false, world, step);
  const known = read.baseline;
  // Asked beside the look at the source, which does not wait for it; waited for before the target is touched.
  const clock = Promise.withResolvers<Clock>();
  const doubt = clock.promise.then((now) => clockDoubt(known, now, operation.source.host));
  doubt.catch(() => {});
  const refuse = async () => {
    const because = await doubt;
    if (because !== undefined) throw new Error(because);
  };
  // Without a sync: a store through a mapping since the last one has touched ctime, and nothing is stored any more.
  const passing = byList(operation, known, shareOf(operation, known), world, step, refuse);
  clock.resolve(readClock(source.host, world.stop));
  let passed: Listed;
  try {
    passed = await passing;
    // A list that is too large is not refused: nothing was to be touched.
    await refuse();
  } catch (error) {
    // A source that was booted meanwhile may also have looked like another one.
    const because = await doubt.catch(() => undefined);
    if (because === undefined) throw error;
    return whole(operation, because, false, world, step);
  }
  const { result, readers } = passed;
  if (result.kind === 'too-large') {
    const because = `${entries(result.listed)} have changed, more than ${Math.round(operation.maxShare * 100)} % of ${entries(known.entries)}`;
    return whole(operation, because, true, world, step);
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

/**
 * @param refuse asked before the target is touched: the look at what is to be done need not wait for the answer
 */
async function byList(
  operation: Copy,
  known: Baseline,
  maxShare: number,
  world: World,
  step: string,
  refuse: () => Promise<void> = async () => {},
): Promise<Listed> {
  const { move, target, source, exclude, maxDelete, listArgv } = operation;
  const { topIsShare } = target;
  const sides = sidesOfCopy(operation, world);
  let opening: Promise<Readers | undefined> | undefined;
  const open = async () => {
    const algorithm = await world.digest([sides.source.host, sides.target.host]);
    return world.readers(sides, algorithm, world.stop);
  };
  const passing = world.changes(
    { move, argv: listArgv, source, target, exclude, maxDelete, maxShare, frozen: true, topIsShare },
    known,
    {
      puller: sides.target.host,
      source: sides.source.host,
      signal: world.stop,
      progress: telling(world, step, 'what has changed since'),
      keepDoubt: async (names) => {
        await refuse();
        await keepDoubt(move, names, world);
      },
      onCarry: () => {
        // Without them the comparison opens its own, and tells what is wrong.
        opening = open().catch(() => undefined);
      },
    },
  );
  try {
    return { result: await passing, readers: await opening };
  } catch (error) {
    closeReaders(await opening);
    throw error;
  }
}

/** Ends those that nobody has asked. */
export function closeReaders(readers: Readers | undefined): void {
  readers?.source.close();
  readers?.target.close();
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
