import { join } from 'node:path';
import { count } from '../plan/render/words.ts';
import {
  type Baseline,
  clockDoubt,
  copyFolder,
  dropBaseline,
  forgetManifests,
  keepBaseline,
  keepDoubt,
  marksOf,
  newFolder,
  readBaseline,
} from './baseline.ts';
import { readClock, sameClock, syncTree } from './clock.ts';
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
import { setMoveMarks } from './marks.ts';
import type { World } from './world.ts';

/**
 * Everything once, while the workloads run; then both sides are read and compared, and what differs or has changed since
 * is passed over again and again, until few entries do. Goes on where an earlier run ended: with the rounds when it is
 * known since when the target is a copy, with the comparison when the whole tree was passed over.
 */
export async function seed(operation: Copy, world: World, step: string): Promise<void> {
  if (operation.full !== undefined || operation.rounds === undefined)
    return wholePasses(operation, world, step);
  if (windowBegan(operation.move, world)) return;
  const { most, settled } = operation.rounds;
  let { seeded } = await marksOf(operation, world);
  let known = await knownBefore(operation, world);
  for (let round = 1; round <= most; round += 1) {
    if (known === undefined) {
      if (!seeded) await bulk(operation, world, step);
      seeded = true;
      if (world.finish.aborted) return;
      known = await settle(operation, world, step);
    }
    if (world.finish.aborted) return;
    const passed = await changes(operation, known, round, world, step);
    if (passed.kind === 'clock-set') {
      known = undefined;
    } else if (passed.kind === 'too-large') {
      say(
        world,
        `${entries(passed.listed)} have changed, too many for a list: the whole tree is passed over again.`,
      );
      known = undefined;
      seeded = false;
    } else {
      known = passed.baseline;
      if (passed.listed <= settled) return;
    }
  }
  say(
    world,
    `After ${most} passes there are still more than ${entries(settled)} that change between two of them: the downtime is longer for it.`,
    'warning',
  );
}

/** The workloads are, or may be, down: what is left belongs to the final pass. */
function windowBegan(move: string, world: World): boolean {
  return world.marks.get().window?.begun.some((begun) => begun.move === move) === true;
}

async function knownBefore(operation: Copy, world: World): Promise<Baseline | undefined> {
  if (world.marks.get().moves[operation.move]?.baseline === undefined) return undefined;
  const { host } = operation.source;
  const read = await readBaseline(operation, world);
  const doubt =
    'because' in read
      ? read.because
      : clockDoubt(read.baseline, await readClock(world.hosts(host), world.stop), host);
  if ('baseline' in read && doubt === undefined) return read.baseline;
  say(world, `Both sides are compared anew: ${doubt}.`, 'warning');
  // Digests are remembered by ctime, which a clock that was set makes ambiguous.
  await forgetManifests(operation.move, world);
  return undefined;
}

async function bulk(operation: Copy, world: World, step: string): Promise<void> {
  const { move, rounds } = operation;
  await refuseUnguarded(operation, world, step);
  await dropBaseline(move, false, world);
  const result = await world.bulk(
    { ...operation, partArgv: operation.partArgv ?? operation.argv },
    {
      puller: world.hosts(operation.host),
      source: world.hosts(operation.source.host),
      most: rounds?.processes ?? 1,
      signal: world.stop,
      progress: telling(world, step, 'first copy', world.census[move]),
    },
  );
  const marks = await marksOf(operation, world);
  await setMoveMarks(world.marks, move, { ...marks, seeded: true });
  if (result.gaveUp !== undefined)
    say(
      world,
      `tar did not carry all of ${move} (${result.gaveUp}), so rsync passed over the whole tree.`,
      'warning',
    );
  const by = `by ${count(result.processes, result.by === 'tar' ? 'stream of tar' : 'rsync process', result.by === 'tar' ? 'streams of tar' : 'rsync processes')}`;
  say(world, `First copy of ${move}: ${entries(result.changed)} carried, ${by}.`);
}

/** The clock first, then a sync, then the reading: a store through a mapping after the sync must touch ctime again. */
async function settle(operation: Copy, world: World, step: string): Promise<Baseline> {
  const { move, target } = operation;
  const sides = sidesOfCopy(operation, world);
  await refuseUnguarded(operation, world, step);
  const since = await readClock(sides.source.host, world.stop);
  await syncTree(sides.source.host, sides.source.path, world.stop);
  const folder = await newFolder(move, world);
  const found = await world.settle(sides, {
    kept: copyFolder(world, move),
    folder,
    algorithm: await world.digest([sides.source.host, sides.target.host]),
    live: true,
    topIsShare: target.topIsShare,
    signal: world.stop,
    progress: telling(world, step, 'both sides read and compared'),
  });
  const { directories, pending } = found;
  const baseline: Baseline = { since, directories, pending, entries: found.entries };
  await keepBaseline(move, folder, baseline, world);
  say(
    world,
    `${entries(found.entries)} of ${move} read and compared on both sides: ${pending.length === 0 ? 'all are equal' : `${entries(pending.length)} to be carried`}.`,
  );
  return baseline;
}

type Passed =
  | { readonly kind: 'done'; readonly listed: number; readonly baseline: Baseline }
  | { readonly kind: 'too-large'; readonly listed: number }
  | { readonly kind: 'clock-set' };

/** One pass over what has changed since the one before, and a comparison of exactly that. */
async function changes(
  operation: Copy,
  known: Baseline,
  round: number,
  world: World,
  step: string,
): Promise<Passed> {
  const { move, target } = operation;
  const sides = sidesOfCopy(operation, world);
  await refuseUnguarded(operation, world, step);
  const begun = world.now();
  const since = await readClock(sides.source.host, world.stop);
  if (!sameClock(known.since, since)) {
    say(
      world,
      `The clock of ${operation.source.host} was set meanwhile: both sides are compared anew.`,
      'warning',
    );
    await forgetManifests(move, world);
    return { kind: 'clock-set' };
  }
  await syncTree(sides.source.host, sides.source.path, world.stop);
  const folder = await newFolder(move, world);
  const directories = join(folder, 'directories.gz');
  const result = await world.changes(
    {
      move,
      argv: operation.listArgv,
      source: operation.source,
      target,
      exclude: operation.exclude,
      maxDelete: operation.maxDelete,
      maxShare: shareOf(operation, known),
      frozen: false,
      topIsShare: target.topIsShare,
    },
    known,
    {
      puller: sides.target.host,
      source: sides.source.host,
      directories,
      signal: world.stop,
      progress: telling(world, step, `what has changed meanwhile, pass ${round}`),
      keepDoubt: (names) => keepDoubt(move, names, world),
    },
  );
  if (result.kind === 'too-large') return result;
  const tell = telling(world, step, `pass ${round} read on both sides`);
  const compared = await world.listed(sides, result.listed, {
    algorithm: await world.digest([sides.source.host, sides.target.host]),
    topIsShare: target.topIsShare,
    inodes: result.inodes,
    signal: world.stop,
    progress: (files) => tell({ files, bytes: { done: 0 } }),
  });
  const pending = [...new Set(compared.differences.map(({ name }) => name))];
  const baseline: Baseline = { since, directories, pending, entries: result.entries };
  const seconds = Math.max(0, (world.now() - begun) / 1000);
  await keepBaseline(move, folder, baseline, world, { seconds, listed: result.listed.length });
  say(
    world,
    `What changed meanwhile in ${move}: ${entries(result.listed.length)}, ${result.deleted} deleted, ${seconds.toFixed(1)} s${pending.length === 0 ? '' : `; ${entries(pending.length)} changed again`}.`,
  );
  return { kind: 'done', listed: result.listed.length, baseline };
}

/** Where ctime cannot tell what has changed: rsync itself looks at everything, until it finds little to do. */
async function wholePasses(operation: Copy, world: World, step: string): Promise<void> {
  const { move } = operation;
  const { most, settled } = operation.rounds ?? { most: 1, settled: 0 };
  await marksOf(operation, world);
  if (windowBegan(move, world) && world.marks.get().moves[move]?.seeded === true) return;
  for (let pass = 1; pass <= most && !world.finish.aborted; pass += 1) {
    await refuseUnguarded(operation, world, step);
    const begun = world.now();
    const result = await world.pass(operation, {
      puller: world.hosts(operation.host),
      source: world.hosts(operation.source.host),
      signal: world.stop,
      progress:
        pass === 1
          ? telling(world, step, 'first copy', world.census[move])
          : telling(world, step, `the whole tree, pass ${pass}`, entriesOf(world, move)),
    });
    const marks = await marksOf(operation, world);
    const round = { seconds: Math.max(0, (world.now() - begun) / 1000), listed: result.changed };
    await setMoveMarks(world.marks, move, { ...marks, seeded: true, round });
    const again = result.unsettled === 0 ? '' : `; ${result.unsettled} changed meanwhile`;
    say(world, `Pass ${pass} over ${move}: ${entries(result.changed)} carried${again}.`);
    if (result.changed <= settled) return;
  }
}
