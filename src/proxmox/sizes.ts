import { z } from 'zod';
import { DrayageError } from '../errors/error.ts';
import { parseAnswer } from './answer.ts';
import type { ProxmoxClient } from './client.ts';

const schema = z.looseObject({
  cores: z.coerce.number().optional(),
  memory: z.union([z.string(), z.number()]).transform(String).optional(),
});

/** Cores, and memory in MiB, of a virtual machine as it is configured; nothing where it may not be read. */
export async function vmSizes(
  client: ProxmoxClient,
  node: string,
  vmid: number,
): Promise<{ readonly cores?: number; readonly memory?: string }> {
  const path = `/nodes/${node}/qemu/${vmid}/config`;
  try {
    const { cores, memory } = parseAnswer(schema, await client.get(path), path);
    return { ...(cores === undefined ? {} : { cores }), ...(memory === undefined ? {} : { memory }) };
  } catch (error) {
    if (error instanceof DrayageError && error.code === 'proxmox/permission') return {};
    throw error;
  }
}
