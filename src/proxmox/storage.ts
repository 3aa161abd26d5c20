import { z } from 'zod';
import { DrayageError } from '../errors/error.ts';
import type { ProxmoxClient } from './client.ts';

const poolsSchema = z.array(z.looseObject({ name: z.string() }));

/** The ZFS pools of a node, to propose a place for a share; none where the token may not see them (Sys.Audit). */
export async function readPools(
  client: ProxmoxClient,
  node: string,
): Promise<{ node: string; name: string }[]> {
  try {
    const pools = poolsSchema.parse(await client.get(`/nodes/${node}/disks/zfs`));
    return pools.map(({ name }) => ({ node, name }));
  } catch (error) {
    if (error instanceof DrayageError && error.code === 'proxmox/permission') return [];
    throw error;
  }
}
