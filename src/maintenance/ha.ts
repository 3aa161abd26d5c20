import { z } from 'zod';
import { parseAnswer } from '../proxmox/answer.ts';
import type { ProxmoxClient } from '../proxmox/client.ts';

const path = '/cluster/ha/resources';
const resources = z.array(z.looseObject({ sid: z.string() }));

/**
 * Which guests HA manages must be known: it would start one that was stopped, and answers a migration before that is
 * done. `sid` is `vm:114` or `ct:7` (GET /cluster/ha/resources).
 * @throws what the API throws, and `proxmox/unexpected`; never an empty set for what could not be read
 */
export async function haManaged(client: Pick<ProxmoxClient, 'get'>): Promise<ReadonlySet<number>> {
  const list = parseAnswer(resources, await client.get(path), path);
  return new Set(list.flatMap(({ sid }) => (/^vm:\d+$/.test(sid) ? [Number(sid.slice(3))] : [])));
}
