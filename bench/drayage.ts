import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readClock, readClockLater, syncTree } from '../src/apply/clock.ts';
import { type BulkResult, performBulk } from '../src/copy/bulk/bulk.ts';
import { rsyncPart } from '../src/copy/bulk/part-command.ts';
import { tarStream } from '../src/copy/bulk/stream-command.ts';
import { type Baseline, performChangePass } from '../src/copy/change-list/change-pass.ts';
import { writeDirectories } from '../src/copy/change-list/directories.ts';
import { rsyncList, rsyncPull } from '../src/copy/rsync-command.ts';
import { compareManifests } from '../src/verify/compare.ts';
import { compareListed, openReaders } from '../src/verify/compare-listed.ts';
import { compareTrees } from '../src/verify/compare-trees.ts';
import { commonDigest, type DigestAlgorithm } from '../src/verify/digest.ts';
import { readManifestFile } from '../src/verify/manifest-file.ts';
import { takeManifest } from '../src/verify/take-manifest.ts';
import type { BenchWorld } from './world.ts';

/** Seconds of one window, in whole and by its parts, and how many names its list had. */
export interface WindowParts {
  readonly total: number;
  /** One look at the source's metadata. The source's clock is read beside it. */
  readonly scan: number;
  /** The rest of the pass: listings, both rsyncs of the list. */
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
    connection: join(world.folder, 'connection'),
  };
}

/** The bulk pass of the seed stage, into an empty target. */
export async function drayageSeed(world: BenchWorld, target: string): Promise<BulkResult> {
  const options = pull(world, target);
  return performBulk(
    {
      move: 'docker',
      pass: 'seed',
      argv: rsyncPull({ ...options, delete: false }),
      partArgv: rsyncPart(options),
      streamArgv: tarStream(options),
      source: { path: world.tree.root },
      target: { path: target },
      exclude: [],
      maxDelete,
    },
    { puller: world.node, source: world.guest },
  );
}

const sidesOf = (world: BenchWorld, target: string) => ({
  source: { host: world.guest, path: world.tree.root, exclude: [] },
  target: { host: world.node, path: target, exclude: [] },
});

/** The full proof: every byte of both sides, and all metadata. @returns the digest's name. @throws where the trees differ */
export async function drayageProof(world: BenchWorld, target: string): Promise<DigestAlgorithm> {
  const { algorithm, differences, first } = await compareTrees(sidesOf(world, target), {
    topIsShare: false,
    folder: world.folder,
    names: { source: 'proof-source.gz', target: 'proof-target.gz' },
    scratch: world.folder,
  });
  refuse(differences, first);
  return algorithm;
}

function refuse(count: number, first: readonly unknown[]): void {
  if (count === 0) return;
  throw new Error(`drayage finds ${count} differences: ${JSON.stringify(first.slice(0, 3))}`);
}

const never = new AbortController().signal;

/** The least that workloads take to stop, in milliseconds: what is opened beside it is there by then. */
const stopMs = 1000;

export function startMove(world: BenchWorld, target: string): DrayageMove {
  let baseline: Baseline | undefined;
  let algorithm: DigestAlgorithm = 'sha256';
  let rounds = 0;

  async function pass(frozen: boolean): Promise<WindowParts> {
    if (baseline === undefined) throw new Error('not settled yet');
    const sides = sidesOf(world, target);
    const begin = Promise.withResolvers<void>();
    const clock = frozen ? readClockLater(world.guest, never, begin.promise) : readClock(world.guest, never);
    if (!frozen) {
      await clock;
      await syncTree(world.guest, world.tree.root, never);
    }
    rounds += 1;
    const readers = frozen ? openReaders(sides, algorithm, never) : undefined;
    const directories = join(world.folder, `directories-${rounds}.gz`);
    const carrying = performChangePass(
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
      {
        puller: world.node,
        source: world.guest,
        begin: begin.promise,
        ...(frozen ? {} : { directories }),
        keepDoubt: async (names) => {
          await clock;
          await writeFile(join(world.folder, 'pending'), names.join('\0'), { flush: true });
        },
        onCarry: (parts) => readers?.begin(parts),
      },
    );
    // All this waits while the workloads stop, which takes longer.
    if (frozen) await sleep(stopMs);
    const begun = performance.now();
    begin.resolve();
    const carried = await carrying;
    if (carried.kind === 'too-large') throw new Error(`The list of ${carried.listed} names is too large.`);
    const passed = performance.now();
    const { differences } = await compareListed(sides, carried.listed, {
      algorithm,
      topIsShare: false,
      inodes: carried.inodes,
      readers,
    });
    if (frozen) refuse(differences.length, differences);
    const pending = [...new Set(differences.map(({ name }) => name))];
    // As in a migration, what comes after a window begins where the rounds ended.
    if (!frozen) baseline = { since: await clock, directories, pending, entries: carried.entries };
    const total = (performance.now() - begun) / 1000;
    const scan = carried.scanSeconds;
    return {
      total,
      scan,
      pass: (passed - begun) / 1000 - scan,
      compare: total - (passed - begun) / 1000,
      listed: carried.listed.length,
    };
  }

  return {
    async seed() {
      await drayageSeed(world, target);
    },
    async settle() {
      algorithm = await commonDigest([world.guest, world.node]);
      // The clock before the `sync`: a store into a mapped page after it touches ctime again.
      const since = await readClock(world.guest, never);
      await syncTree(world.guest, world.tree.root, never);
      const { source, target: there } = sidesOf(world, target);
      const file = (side: string) => join(world.folder, `${side}-settled.gz`);
      const options = { scratch: world.folder, algorithm, live: true };
      const [{ entries }] = await Promise.all([
        takeManifest(source, { ...options, file: file('source') }),
        takeManifest(there, { ...options, file: file('target') }),
      ]);
      const pending: string[] = [];
      await compareManifests(file('source'), file('target'), {
        topIsShare: false,
        onDifference: ({ name }) => pending.push(name),
      });
      const directories = join(world.folder, 'directories-settled.gz');
      await writeDirectories(directories, readManifestFile(file('source')));
      baseline = { since, directories, pending, entries };
    },
    async round() {
      await pass(false);
    },
    window: () => pass(true),
  };
}
