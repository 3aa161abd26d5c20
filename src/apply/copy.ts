import { deletes } from '../copy/rsync-command.ts';
import type { Operation } from '../plan/operation.ts';
import { readClock } from './clock.ts';
import { applyError } from './errors.ts';
import { type MoveMarks, setMoveMarks } from './marks.ts';
import type { World } from './world.ts';

type Copy = Extract<Operation, { kind: 'copy' }>;

/** One pass, with the clocks that tell later what has changed since the first one began. */
export async function copyPass(operation: Copy, world: World, step: string): Promise<void> {
  if (deletes(operation.argv) && (operation.guards ?? []).length === 0) {
    throw applyError('apply/unguarded-delete', {
      seen: `the pass of move ${operation.move} deletes, and has no guard`,
      next: ['drayage plan   # a plan that drayage made has them; this one was changed'],
    });
  }
  const source = world.hosts(operation.source.host);
  const puller = world.hosts(operation.host);
  const pair = JSON.stringify([operation.source, operation.host, operation.argv.at(-1)]);
  const marks = await marksBefore(operation, pair, world);
  const result = await world.pass(operation, {
    puller,
    source,
    signal: world.stop,
    progress: (progress) => world.sink({ type: 'progress', step, what: operation.what, ...progress }),
  });
  if (marks.targetSince === undefined) {
    await setMoveMarks(world.marks, operation.move, {
      ...marks,
      targetSince: (await readClock(puller)).seconds,
    });
  }
  const unsettled =
    result.unsettled === 0 ? '' : `; ${result.unsettled} changed meanwhile and come with the next pass`;
  world.sink({
    type: 'message',
    level: 'info',
    text: `${operation.what}: ${result.changed} entries changed, ${result.deleted} deleted${unsettled}`,
  });
}

/**
 * The clock first, then a sync, then the pass: a store through a mapping after the sync must touch ctime again.
 * A pass also ends what was proven before.
 */
async function marksBefore(operation: Copy, pair: string, world: World): Promise<MoveMarks> {
  const known = world.marks.get().moves[operation.move];
  if (known !== undefined && known.pair === pair) {
    const { evidence: _over, ...rest } = known;
    if (known.evidence !== undefined) await setMoveMarks(world.marks, operation.move, rest);
    return rest;
  }
  const source = world.hosts(operation.source.host);
  const sourceSince = await readClock(source);
  const synced = await source.run(['sh', '-c', 'sync -f -- "$1" || sync', 'sh', operation.source.path]);
  if (synced.exitCode !== 0) {
    throw applyError('apply/command-failed', {
      seen: `sync on ${source.name} ended with ${synced.exitCode}: ${synced.stderr.toString('utf8').trim()}`,
      next: [`ssh ${source.name} sync`],
    });
  }
  const marks: MoveMarks = { pair, sourceSince };
  await setMoveMarks(world.marks, operation.move, marks);
  return marks;
}
