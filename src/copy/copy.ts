import type { Host } from '../ssh/host.ts';
import { copyError } from './errors.ts';
import { deletes, dryRunOf } from './rsync-command.ts';
import { gatherMs, type Judged, judge, namesShown, type PassWorld, runRsync, some } from './run-rsync.ts';

export type { PassWorld } from './run-rsync.ts';

/** One pass, as the plan's `copy` operation says it. */
export interface Pass {
  readonly move: string;
  readonly pass: 'seed' | 'final';
  readonly argv: readonly string[];
  readonly source: { readonly path: string };
  readonly maxDelete: number;
}

export interface PassResult {
  /** Entries that rsync made, changed or deleted, by what it did. */
  readonly changed: number;
  readonly deleted: number;
  readonly bytes: number;
  /** Files that went away or changed under rsync's hands during a seed: a later pass carries them. */
  readonly unsettled: number;
}

/** The source is a directory with something in it, or the pass does not begin. */
export async function checkSource(pass: Pass, source: Host): Promise<void> {
  const script = 'test -d "$1" && test -n "$(find "$1" -mindepth 1 -maxdepth 1 -print -quit)"';
  const result = await source.run(['sh', '-c', script, 'sh', pass.source.path]);
  if (result.exitCode === 0) return;
  throw copyError('copy/source-not-as-expected', {
    seen: `${pass.source.path} on ${source.name} is missing, not a directory, or empty. ${result.stderr}`.trim(),
    next: [
      `ssh ${source.name} ls -la ${pass.source.path}`,
      `ssh ${source.name} findmnt -T ${pass.source.path}`,
    ],
  });
}

/** While the source is in use, files that vanish or change are ordinary; the pass in the window sees them at rest. */
function judged(pass: Pass, dryRun: boolean): Judged {
  return {
    move: pass.move,
    live: pass.pass === 'seed' || dryRun,
    again: `drayage apply --until ${pass.pass === 'seed' ? 'seed' : 'cutover'}`,
    argv: pass.argv,
  };
}

/** What a pass with `--delete` would remove, by name. @throws copy/too-many-deletions above the move's limit. */
async function countDeletions(pass: Pass, world: PassWorld): Promise<void> {
  const doomed: string[] = [];
  let count = 0;
  const ran = await runRsync(world, dryRunOf(pass.argv), (item) => {
    if (item.change !== '*deleting') return;
    count += 1;
    if (doomed.length < namesShown) doomed.push(Buffer.from(item.name, 'latin1').toString('utf8'));
  });
  judge(judged(pass, true), world, ran);
  if (count <= pass.maxDelete) return;
  throw copyError('copy/too-many-deletions', {
    seen: `The pass of move ${pass.move} would delete ${count} entries; maxDelete is ${pass.maxDelete}. Among them:\n${some(doomed)}`,
    next: [
      `ssh ${world.source.name} ls -la ${pass.source.path}`,
      `if these are to go: set maxDelete of move ${pass.move} to ${count} in drayage.yaml, then: drayage plan`,
    ],
  });
}

/**
 * Performs one rsync pass: looks at the source, counts what a `--delete` would remove, then runs exactly `pass.argv`.
 * A pass that stands still is not a failure; ssh itself notices a dead connection.
 * @throws copy/* when the pass did not carry everything; in a seed, files that vanish or change meanwhile are counted instead.
 */
export async function performPass(pass: Pass, world: PassWorld): Promise<PassResult> {
  await checkSource(pass, world.source);
  if (deletes(pass.argv)) await countDeletions(pass, world);
  let changed = 0;
  let deleted = 0;
  let bytes = 0;
  const ran = await runRsync(
    { ...world, gatherMs },
    pass.argv,
    (item) => {
      if (item.change === '*deleting') deleted += 1;
      else changed += 1;
    },
    (progress) => {
      bytes = progress.bytes.done;
      world.progress?.(progress);
    },
  );
  const { unsettled } = judge(judged(pass, false), world, ran);
  return { changed, deleted, bytes, unsettled };
}
