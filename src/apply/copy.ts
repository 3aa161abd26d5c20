import { deletes } from '../copy/rsync-command.ts';
import type { Copy } from './copy-parts.ts';
import { applyError } from './errors.ts';
import { finalPass } from './final-pass.ts';
import { seed } from './seed.ts';
import type { World } from './world.ts';

/** The first copy with its rounds, or the last pass. @throws apply/unguarded-delete, and what the passes throw */
export async function copyPass(operation: Copy, world: World, step: string): Promise<void> {
  const deleting = [operation.argv, operation.listArgv].some(deletes);
  if (deleting && (operation.guards ?? []).length === 0) {
    throw applyError('apply/unguarded-delete', {
      seen: `the pass of move ${operation.move} deletes, and has no guard`,
      next: ['drayage plan   # a plan that drayage made has them; this one was changed'],
    });
  }
  await (operation.pass === 'seed' ? seed(operation, world, step) : finalPass(operation, world, step));
}
