import { z } from 'zod';
import { DrayageError } from '../errors/error.ts';
import type { Operation } from '../plan/operation.ts';
import { applyError } from './errors.ts';
import type { World } from './world.ts';

/** Numbers that others take between the look and the call, one after the other, are more than a coincidence. */
const mostTries = 8;

/**
 * Clones a template. `/cluster/nextid` reserves nothing: where the number was taken in between, the next one is tried.
 * @returns the number of the clone
 * @throws proxmox/exists when the number was given and is taken
 */
export async function cloneTemplate(
  operation: Extract<Operation, { kind: 'clone' }>,
  world: World,
): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const newid = operation.newid ?? (await nextFree(world));
    try {
      const upid = await world.cluster.call('POST', operation.path, { newid, ...operation.params });
      await world.cluster.waitForTask(String(upid), {
        timeoutSeconds: operation.timeoutSeconds,
        signal: world.stop,
      });
      return newid;
    } catch (error) {
      const taken = error instanceof DrayageError && error.code === 'proxmox/exists';
      if (!taken || operation.newid !== undefined || tries >= mostTries) throw error;
      const text = `VM ${newid} was taken by somebody else meanwhile: trying the next free number.`;
      world.sink({ type: 'message', level: 'info', text });
    }
  }
}

/** A string, or a number since some release. */
const vmidSchema = z.coerce.number().int().min(100);

async function nextFree(world: World): Promise<number> {
  const answer = await world.cluster.get('/cluster/nextid');
  const parsed = vmidSchema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw applyError('apply/unreadable-output', {
    seen: `GET /cluster/nextid: ${JSON.stringify(answer)}`,
    next: ['pvesh get /cluster/nextid'],
  });
}
