import { Readable } from 'node:stream';
import { printableName } from '../verify/name.ts';
import { nulList } from '../verify/records.ts';
import { ancestors } from './change-list/names.ts';
import type { PassResult } from './copy.ts';
import { copyError } from './errors.ts';
import { topOf } from './rsync-command.ts';
import { judge, namesShown, type PassWorld, runRsync, some } from './run-rsync.ts';

/** Names of one tree (relative, latin1) that are not as they were, and what they were and are. */
export interface Differing {
  /** There now; with `true` for a directory. */
  readonly now: ReadonlyMap<string, boolean>;
  readonly gone: readonly string[];
}

export interface ListPass {
  readonly move: string;
  /** Of `rsyncPush`, for a list. */
  readonly argv: readonly string[];
  readonly maxDelete: number;
  /** The top's own metadata stays as it is. */
  readonly topIsShare: boolean;
  /** What is gone is left to a pass over the whole tree, which follows. */
  readonly goneLater?: boolean;
  /** The command that tries again. */
  readonly again: string;
}

/**
 * Carries exactly the names that differ, and deletes those that are gone. A name below one that is gone, or that is no
 * directory any more, goes with it.
 * @throws copy/too-many-deletions before anything is deleted, and copy/* when not everything was carried
 */
export async function pushList(
  pass: ListPass,
  { now, gone }: Differing,
  world: PassWorld,
): Promise<PassResult> {
  if (gone.length > pass.maxDelete) {
    throw copyError('copy/too-many-deletions', {
      seen: `Carrying back move ${pass.move} would delete ${gone.length} entries; maxDelete is ${pass.maxDelete}. Among them:\n${some(gone.slice(0, namesShown).map(printableName))}`,
      next: [
        `if these are to go: set maxDelete of move ${pass.move} to ${gone.length} in drayage.yaml`,
        pass.again,
      ],
    });
  }
  const lost = new Set(gone);
  const goesWith = (name: string) =>
    [...ancestors(name)].some((above) => lost.has(above) || now.get(above) === false);
  const going = pass.goneLater === true ? [] : gone.filter((name) => !goesWith(name));
  const names = [...now.keys(), ...going];
  const judged = { move: pass.move, live: false, again: pass.again, argv: pass.argv };
  const counts = { changed: 0, deleted: 0, bytes: 0 };
  if (names.length > 0) {
    const ran = await runRsync(
      world,
      pass.argv,
      ({ change }) => {
        counts[change === '*deleting' ? 'deleted' : 'changed'] += 1;
      },
      (progress) => {
        counts.bytes = progress.bytes.done;
        world.progress?.(progress);
      },
      // A name that begins with `#` or `;` would be a comment, NUL-separated or not (tried with rsync 3.5.0).
      Readable.from(nulList(names.map((name) => `./${name}`))),
    );
    judge(judged, world, ran);
  }
  if (!pass.topIsShare) judge(judged, world, await runRsync(world, topOf(pass.argv), () => {}));
  return { ...counts, unsettled: 0 };
}
