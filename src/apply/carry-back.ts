import type { Operation } from '../plan/operation.ts';
import { applyError } from './errors.ts';
import type { World } from './world.ts';

type CarryBack = Extract<Operation, { kind: 'carry-back' }>;

/**
 * What the target has written goes back to the source, by the node that has it. Deletions are counted before anything
 * is deleted, and every per-file error is one, as in the pass of a window.
 */
export async function carryBack(operation: CarryBack, world: World, step: string): Promise<void> {
  if ((operation.guards ?? []).length === 0) {
    throw applyError('apply/unguarded-delete', {
      seen: `carrying back move ${operation.move} deletes on ${operation.to.host}, and has no guard`,
      next: ['drayage rollback   # a plan that drayage made has them; this one was changed'],
    });
  }
  const node = world.hosts(operation.host);
  const { move, argv, from, maxDelete } = operation;
  const result = await world.pass(
    { move, pass: 'final', argv, source: from, maxDelete },
    {
      puller: node,
      source: node,
      signal: world.stop,
      progress: (progress) => world.sink({ type: 'progress', step, what: operation.what, ...progress }),
    },
  );
  world.sink({
    type: 'message',
    level: 'info',
    text: `Carried back to ${operation.to.host}:${operation.to.path}: ${result.changed} entries changed, ${result.deleted} deleted.`,
  });
}
