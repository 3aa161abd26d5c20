import { access, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Operation } from '../plan/operation.ts';
import { type Clock, sameClock } from './clock.ts';
import { writeWhole } from './file.ts';
import { type BaselineMarks, type MoveMarks, setMoveMarks } from './marks.ts';
import type { World } from './world.ts';

type Copy = Extract<Operation, { kind: 'copy' }>;

/** What is known of a move between two passes: source and target are one, except for `pending` and what has changed since. */
export interface Baseline {
  /** By the source's clock. */
  readonly since: Clock;
  /** File with the identity of each directory at that time. */
  readonly directories: string;
  /** Names that differed; bytes as latin1. */
  readonly pending: readonly string[];
  /** Of the whole tree. */
  readonly entries: number;
}

/** The move's folder of files that outlive a run. */
export const copyFolder = (world: World, move: string) => join(world.copies, move);

/** Manifests of both sides, kept between the first comparison and the end of the move. */
export const keptManifests = (folder: string) => ({
  source: join(folder, 'source.jsonl.gz'),
  target: join(folder, 'target.jsonl.gz'),
});

/** From here on no digest is remembered. */
export async function forgetManifests(move: string, world: World): Promise<void> {
  for (const file of Object.values(keptManifests(copyFolder(world, move)))) await rm(file, { force: true });
}

const inFolders = /^since-/;

/**
 * The marks of this move; those of another source, target or exclusion are forgotten with their files. A pass ends what
 * was proven before.
 */
export async function marksOf(operation: Copy, world: World): Promise<MoveMarks> {
  const { source, host, target, exclude } = operation;
  // The directory itself, not only its path: mounted anew, it may have another device number.
  const is = (operation.guards ?? []).flatMap((guard) =>
    guard.kind === 'source' ? [guard.device, guard.inode] : [],
  );
  const pair = JSON.stringify([source, is, host, target, exclude]);
  const known = world.marks.get().moves[operation.move];
  if (known !== undefined && known.pair === pair) {
    const { evidence: proven, final: passed, ...rest } = known;
    if (proven !== undefined || passed !== undefined) await setMoveMarks(world.marks, operation.move, rest);
    return rest;
  }
  const marks: MoveMarks = { pair, seeded: false };
  await setMoveMarks(world.marks, operation.move, marks);
  await rm(copyFolder(world, operation.move), { recursive: true, force: true });
  return marks;
}

/** A new folder for the files of one baseline. Folders of passes that came to nothing are removed with the next one. */
export async function newFolder(move: string, world: World): Promise<string> {
  const top = copyFolder(world, move);
  await mkdir(top, { recursive: true, mode: 0o700 });
  const kept = world.marks.get().moves[move]?.baseline?.folder;
  for (const name of await readdir(top)) {
    if (inFolders.test(name) && name !== kept) await rm(join(top, name), { recursive: true, force: true });
  }
  return mkdtemp(join(top, 'since-'));
}

const pendingFile = 'pending.gz';

const packed = (names: readonly string[]) =>
  promisify(gzip)(Buffer.from(names.map((name) => `${name}\0`).join(''), 'latin1'));

/**
 * What a pass is about to touch on the target, as long as it is not known to be complete. Cut off, or taken back with the
 * window, it leaves the target otherwise than the baseline says: the next pass looks at all of it again.
 */
export async function keepDoubt(move: string, names: readonly string[], world: World): Promise<void> {
  const kept = world.marks.get().moves[move]?.baseline;
  if (kept === undefined) return;
  await writeWhole(join(copyFolder(world, move), kept.folder, kept.pending), await packed(names));
}

/**
 * From here on the target is changed by no list: nothing is known of it, but for the digests of what was read.
 * @param seeded the target stays a copy of some time: what follows deletes too
 */
export async function dropBaseline(move: string, seeded: boolean, world: World): Promise<void> {
  const marks = world.marks.get().moves[move];
  if (marks === undefined) return;
  const { baseline: _over, ...rest } = marks;
  await setMoveMarks(world.marks, move, { ...rest, seeded });
}

/** From here on the pass before this one is not needed any more: the marks change first, then its files go. */
export async function keepBaseline(
  move: string,
  folder: string,
  baseline: Baseline,
  world: World,
  round?: MoveMarks['round'],
): Promise<void> {
  await writeWhole(join(folder, pendingFile), await packed(baseline.pending));
  const { baseline: before, ...marks } = world.marks.get().moves[move] as MoveMarks;
  const kept: BaselineMarks = {
    since: { ...baseline.since },
    folder: folder.slice(folder.lastIndexOf('/') + 1),
    directories: baseline.directories.slice(baseline.directories.lastIndexOf('/') + 1),
    pending: pendingFile,
    entries: baseline.entries,
  };
  await setMoveMarks(world.marks, move, {
    ...marks,
    baseline: kept,
    ...(round === undefined ? {} : { round }),
  });
  if (before !== undefined && before.folder !== kept.folder)
    await rm(join(copyFolder(world, move), before.folder), { recursive: true, force: true });
}

/** Why a baseline cannot be trusted by what the source's clock says now; undefined: it can. */
export function clockDoubt({ since }: Baseline, now: Clock, host: string): string | undefined {
  if (since.bootId !== now.bootId) return `${host} was booted since the copy before`;
  if (!sameClock(since, now)) return `the clock of ${host} was set since the copy before`;
  return undefined;
}

/** The baseline that the marks name, or why there is none. Whether it can be trusted, `clockDoubt` tells. */
export async function readBaseline(
  operation: Copy,
  world: World,
): Promise<{ readonly baseline: Baseline } | { readonly because: string }> {
  const kept = world.marks.get().moves[operation.move]?.baseline;
  if (kept === undefined)
    return { because: `it is not known since when ${operation.target.path} is a copy of the source` };
  const folder = join(copyFolder(world, operation.move), kept.folder);
  try {
    const names = (await promisify(gunzip)(await readFile(join(folder, kept.pending)))).toString('latin1');
    await access(join(folder, kept.directories));
    return {
      baseline: {
        since: kept.since,
        directories: join(folder, kept.directories),
        pending: names.split('\0').slice(0, -1),
        entries: kept.entries,
      },
    };
  } catch (error) {
    return { because: `what was known of the copy before cannot be read (${(error as Error).message})` };
  }
}

/**
 * From here on the target may be written to by others, or it is another one: nothing is known of it. The marks change first.
 * @param seeded a whole pass was made to it
 */
export async function forgetBaseline(move: string, seeded: boolean, world: World): Promise<void> {
  const marks = world.marks.get().moves[move];
  if (marks === undefined) return;
  const { baseline: _over, ...rest } = marks;
  await setMoveMarks(world.marks, move, { ...rest, seeded });
  await rm(copyFolder(world, move), { recursive: true, force: true });
}
