import type { Host } from '../../ssh/host.ts';
import { checkSource, type Pass, type PassResult, performPass } from '../copy.ts';
import { notData } from '../not-data.ts';
import { type Judged, judge, type PassWorld } from '../run-rsync.ts';
import { ByRsync } from './by-rsync.ts';
import { ByTar } from './by-tar.ts';
import { Crew, type CrewResult } from './crew.ts';
import { holdLock } from './lock.ts';
import { lockOf } from './part-command.ts';
import { Parts, weightOf } from './parts.ts';
import type { ProbeTimes, Rate } from './pool.ts';
import { scanTree } from './scan.ts';
import type { TreeTotals } from './tree.ts';

export interface BulkPass extends Pass {
  /** `rsyncPart`'s: one of several processes, its names on stdin. */
  readonly partArgv: readonly string[];
  /** `tarStream`'s, which fills an empty place. */
  readonly streamArgv?: readonly string[] | undefined;
  readonly target: { readonly path: string };
  /** Paths relative to the source path, as in `argv`. */
  readonly exclude: readonly string[];
}

export interface BulkWorld extends PassWorld {
  /** Most processes at once, 4 unless told; never more than the puller has cores (of streams, twice as many), but two. */
  readonly most?: number;
  readonly tuning?: BulkTuning;
}

/** Weights are `weightOf`'s: bytes, and 50,000 for each entry. */
export interface BulkTuning {
  /** A tree that weighs less goes by one process. */
  readonly small: number;
  /** Less is not worth a process of its own. */
  readonly leastPart: number;
  /** More is not carried by one process: how many entries a stream of tar has carried is known when its part ends. */
  readonly mostPart: number;
  readonly probeTimes?: ProbeTimes;
}

export interface BulkResult extends PassResult {
  readonly by: 'tar' | 'rsync';
  /** Why streams of tar were begun and rsync then passed over everything. */
  readonly gaveUp?: string;
  /** Processes that were found to pay. */
  readonly processes: number;
  readonly probe: readonly Rate[];
}

const usuallyMost = 4;
/**
 * Small: about 20,000 small files and a gigabyte, 8 s of work; there, looking for the best number of processes costs more
 * than it brings. The least part: one to two seconds of work, beside 0.3 s to begin; the most, ten times as much.
 */
const usualTuning: BulkTuning = { small: 2e9, leastPart: 400e6, mostPart: 4e9 };

/** A stream is soon at work, and one alone waits for a disk most of the time. */
const streamProbe: ProbeTimes = { fewest: 2, settleMs: 700, measureMs: 1500 };

/**
 * The first copy of a tree, without deletions. An empty place is filled by streams of tar, which is the quickest way; what
 * they leave undone is found when both sides are read afterwards. Where one of them fails, and where something is there
 * already, by rsync, which goes on where an earlier run ended and judges every entry: a small tree by `pass.argv`, a
 * larger one in parts. Parts are carried by as many processes as the measured rate says that they pay; all names of an
 * inode are in the same one. What appears meanwhile in a directory that was divided is left to a later pass.
 * @throws copy/* as `performPass`; the first part that fails ends the others and is named, per-file errors of all parts
 *   are collected.
 */
export async function performBulk(pass: BulkPass, world: BulkWorld): Promise<BulkResult> {
  const { tuning = usualTuning, signal } = world;
  await checkSource(pass, world.source);
  const empty = pass.streamArgv !== undefined && (await isEmpty(pass.target.path, world.puller));
  const totals =
    world.most === 1 && !empty
      ? undefined
      : await scanTree(world.source, pass.source.path, pass.exclude, signal === undefined ? {} : { signal });
  const several = totals !== undefined && world.most !== 1 && weightOf(totals) >= tuning.small;
  const cores = several ? await coresOf(world.puller) : 1;
  const atMost = (processes: number) =>
    several ? Math.min(world.most ?? usuallyMost, Math.max(2, processes)) : 1;
  const partsOf = (of: TreeTotals) =>
    new Parts(of, several ? tuning.leastPart : Infinity, several ? tuning.mostPart : Infinity);
  let gaveUp: { readonly gaveUp?: string } = {};
  if (empty && totals !== undefined) {
    const result = await byTar(pass, world, partsOf(totals), atMost(2 * cores));
    if (result.gaveUp === undefined) return result;
    gaveUp = { gaveUp: result.gaveUp };
  }
  const parts = several ? partsOf(totals) : undefined;
  if (parts === undefined || parts.left < 2)
    return { ...(await performPass(pass, world)), by: 'rsync', ...gaveUp, processes: 1, probe: [] };
  return { ...(await byRsync(pass, world, parts, atMost(cores))), ...gaveUp };
}

/** Nothing but what drayage and ZFS keep at the top of a share; what cannot be listed is not empty. */
async function isEmpty(path: string, puller: Host): Promise<boolean> {
  const own = notData.flatMap((name) => ['!', '-name', name]);
  const result = await puller.run([
    'find',
    path,
    '-mindepth',
    '1',
    '-maxdepth',
    '1',
    ...own,
    '-print',
    '-quit',
  ]);
  return result.exitCode === 0 && result.stdout.length === 0;
}

/** Cores of a machine; no limit where it does not say. */
async function coresOf(host: Host): Promise<number> {
  const result = await host.run(['nproc']);
  const cores = Number(result.stdout.toString('latin1'));
  return result.exitCode === 0 && cores > 0 ? cores : Infinity;
}

const judged = (pass: BulkPass): Judged => ({
  move: pass.move,
  live: true,
  again: 'drayage apply --until seed',
  argv: pass.partArgv,
});

function crew(pass: BulkPass, world: BulkWorld, parts: Parts, most: number, carrier: ByTar | ByRsync) {
  const { probeTimes = carrier instanceof ByTar ? streamProbe : undefined } = world.tuning ?? usualTuning;
  const options = { ...world, path: pass.source.path, most };
  return new Crew(parts, carrier, probeTimes === undefined ? options : { ...options, probeTimes });
}

async function byTar(pass: BulkPass, world: BulkWorld, parts: Parts, most: number): Promise<BulkResult> {
  const carrier = new ByTar(pass.streamArgv ?? [], judged(pass), world);
  const result = await locked(pass, world, async () => {
    const carried = await crew(pass, world, parts, most, carrier).run();
    if (!carrier.enough) await carrier.directories(parts.divided, world.signal);
    return carried;
  });
  const gaveUp = carrier.broken === undefined ? {} : { gaveUp: carrier.broken };
  return { ...result, by: 'tar', deleted: 0, unsettled: carrier.unsettled, ...gaveUp };
}

async function byRsync(pass: BulkPass, world: BulkWorld, parts: Parts, most: number): Promise<BulkResult> {
  const carrier = new ByRsync(pass.partArgv, judged(pass), world);
  const result = await locked(pass, world, () => crew(pass, world, parts, most, carrier).run());
  carrier.judgePerFile();
  return { ...result, by: 'rsync', deleted: 0, unsettled: carrier.unsettled };
}

/** Holds the lock of the pass while its parts run. */
async function locked(
  pass: BulkPass,
  world: BulkWorld,
  work: () => Promise<CrewResult>,
): Promise<CrewResult> {
  const lock = holdLock(world.puller, lockOf(pass.partArgv), world.signal);
  const refused = await lock.ready;
  if (refused !== undefined) {
    judge(judged(pass), world, { ...refused, unknown: [] });
    throw new Error('a lock that is not held is an error');
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
