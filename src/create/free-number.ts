import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { DrayageError } from '../errors/error.ts';
import type { Fleet } from '../nix/fleet.ts';
import { parseAnswer } from '../proxmox/answer.ts';
import type { ProxmoxClient } from '../proxmox/client.ts';
import { createError } from './errors.ts';

const mostTries = 100;
const vmidSchema = z.coerce.number().int().min(100);

/**
 * A number that neither the cluster nor the operator's files have. OpenTofu wants to know it beforehand; nothing reserves
 * it: where somebody takes it meanwhile, the apply fails, and nothing was made.
 * @throws create/no-number
 */
export async function freeNumber(
  client: Pick<ProxmoxClient, 'get'>,
  config: Pick<Config, 'guests' | 'wishes'>,
  fleet: Fleet | undefined,
): Promise<number> {
  const told = new Set<number | undefined>([
    ...Object.values(config.guests).map(({ vmid }) => vmid),
    ...Object.values(config.wishes).map(({ vmid }) => vmid),
    ...(fleet?.hosts ?? []).map(({ proxmox }) => proxmox?.vmid),
  ]);
  const path = '/cluster/nextid';
  const first = parseAnswer(vmidSchema, await client.get(path), path);
  for (let number = first; number < first + mostTries; number += 1)
    if (!told.has(number) && (number === first || (await isFree(client, number)))) return number;
  throw createError('create/no-number', {
    seen: `from ${first} to ${first + mostTries - 1}`,
    next: ['choose one: --vmid NUMBER'],
  });
}

/** Asked for a number that is taken, it refuses the parameter (PVE/API2/Cluster.pm, `nextid`). */
async function isFree(client: Pick<ProxmoxClient, 'get'>, vmid: number): Promise<boolean> {
  try {
    await client.get(`/cluster/nextid?vmid=${vmid}`);
    return true;
  } catch (error) {
    if (error instanceof DrayageError && ['proxmox/parameter', 'proxmox/exists'].includes(error.code))
      return false;
    throw error;
  }
}
