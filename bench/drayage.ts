import { join } from 'node:path';
import { readClock } from '../src/apply/clock.ts';
import { performBulk } from '../src/copy/bulk/bulk.ts';
import { rsyncPart } from '../src/copy/bulk/part-command.ts';
import { type Baseline, performChangePass } from '../src/copy/change-list/change-pass.ts';
import { writeDirectories } from '../src/copy/change-list/directories.ts';
import { rsyncList, rsyncPull } from '../src/copy/rsync-command.ts';
import { type BenchWorld, mustRun } from './world.ts';

/** Seconds of one window, in whole and by its parts, and how many names its list had. */
export interface WindowParts {
  readonly total: number;
  /** The source's clock, and its `sync`. */
  readonly sync: number;
  /** One walk over the source's metadata. */
  readonly scan: number;
  /** The rest of the pass: listings, rsync of the list. */
  readonly pass: number;
  /** The list's metadata and contents, read on both sides. */
  readonly compare: number;
  readonly listed: number;
}

/** The copy of one move, stage by stage, as apply/ leads it. */
export interface DrayageMove {
  /** The first copy of everything. */
  seed(): Promise<void>;
  /** Manifests of both sides, compared: what the change list starts from. */
  settle(): Promise<void>;
  /** A pass over what has changed, while everything runs. */
  round(): Promise<void>;
  /** The same at rest, where any difference is a failure. */
  window(): Promise<WindowParts>;
}

const maxDelete = 1_000_000;
/** As apply/ has it: a longer list is no longer quicker than a full pass. */
const maxShare = 0.25;

function pull(world: BenchWorld, target: string) {
  return {
    sourceDestination: world.destination,
    sourcePath: world.tree.root,
    targetPath: target,
    exclude: [],
    maxDelete,
    sudo: false,
    protectMarker: false,
    lock: join(world.folder, 'lock'),
  };
}

/** The bulk pass of the seed stage, into an empty target. @returns the rsync processes that it found to pay */
export async function drayageSeed(world: BenchWorld, target: string): Promise<number> {
  const options = pull(world, target);
  const { processes } = await performBulk(
    {
      move: 'docker',
      pass: 'seed',
      argv: rsyncPull({ ...options, delete: false }),
      partArgv: rsyncPart(options),
      source: { path: world.tree.root },
      exclude: [],
      maxDelete,
    },
    { puller: world.node, source: world.guest },
  );
  return processes;
}

/** The clock before the `sync`: a store into a mapped page after it touches ctime again. */
async function markAndSync(world: BenchWorld): Promise<{ readonly seconds: number }> {
  const { seconds } = await readClock(world.guest);
  await mustRun(world.guest, ['sync', '-f', world.tree.root]);
  return { seconds };
}

export function startMove(world: BenchWorld, target: string): DrayageMove {
  let baseline: Baseline | undefined;

  async function pass(frozen: boolean): Promise<WindowParts> {
    if (baseline === undefined) throw new Error('not settled yet');
    const begun = performance.now();
    const since = await markAndSync(world);
    const synced = performance.now();
    const carried = await performChangePass(
      {
        move: 'docker',
        argv: rsyncList(pull(world, target)),
        source: { path: world.tree.root },
        target: { path: target },
        exclude: [],
        maxDelete,
        maxShare,
        frozen,
        topIsShare: false,
      },
      baseline,
      { puller: world.node, source: world.guest, folder: world.folder },
    );
    if (carried.kind === 'too-large') throw new Error(`The list of ${carried.listed} names is too large.`);
    const passed = performance.now();
    baseline = { since, directories: carried.directories, pending: [], entries: carried.entries };
    const total = (performance.now() - begun) / 1000;
    const sync = (synced - begun) / 1000;
    const scan = carried.scanSeconds;
    return {
      total,
      sync,
      scan,
      pass: (passed - synced) / 1000 - scan,
      compare: total - (passed - begun) / 1000,
      listed: carried.listed.length,
    };
  }

  return {
    async seed() {
      await drayageSeed(world, target);
    },
    async settle() {
      const since = await markAndSync(world);
      const directories = join(world.folder, 'directories-0.gz');
      const { stdout } = await world.guest.run([
        'find',
        world.tree.root,
        '-type',
        'd',
        '-printf',
        '%D:%i %P\\0',
      ]);
      const lines = stdout.toString('latin1').split('\0').slice(0, -1);
      await writeDirectories(
        directories,
        lines.map((l) => ({
          path: l.slice(l.indexOf(' ') + 1),
          entry: { type: 'd', inode: l.slice(0, l.indexOf(' ')) },
        })),
      );
      baseline = { since, directories, pending: [], entries: world.tree.counts.entries };
    },
    async round() {
      await pass(false);
    },
    window: () => pass(true),
  };
}
