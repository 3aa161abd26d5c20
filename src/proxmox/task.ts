import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { ProxmoxClient } from './client.ts';
import { proxmoxError } from './errors.ts';

/** pve-common, PVE/UPID.pm. */
const upidPattern =
  /^UPID:([a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8}):([^:\s/]+):([^:\s/]*):([^:\s/]+):$/;

/** The node on which a task runs; undefined for text that is no UPID. */
export function upidNode(upid: string): string | undefined {
  return upidPattern.exec(upid)?.[1];
}

const statusSchema = z.object({ status: z.enum(['running', 'stopped']), exitstatus: z.string().optional() });
const logSchema = z.array(z.object({ n: z.number(), t: z.string() }));

const pollMs = 500;

/**
 * Waits until a task has ended well (`OK`, or `WARNINGS: n`: pve-common, UPID::status_is_error).
 * @param options.timeoutSeconds default 600
 * @throws proxmox/task-failed with the last lines of its log; proxmox/task-timeout
 */
export async function waitForTask(
  client: Pick<ProxmoxClient, 'get'>,
  upid: string,
  options: { timeoutSeconds?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const node = upidNode(upid);
  if (node === undefined) {
    throw proxmoxError('proxmox/unexpected', { seen: `not a UPID: ${upid}`, next: ['drayage status'] });
  }
  const path = `/nodes/${node}/tasks/${encodeURIComponent(upid)}`;
  const until = Date.now() + (options.timeoutSeconds ?? 600) * 1000;
  for (;;) {
    const { status, exitstatus = 'unexpected status' } = statusSchema.parse(
      await client.get(`${path}/status`),
    );
    if (status === 'stopped') {
      if (exitstatus === 'OK' || /^WARNINGS: \d+$/.test(exitstatus)) return;
      const log = logSchema.parse(await client.get(`${path}/log?limit=0`));
      const last = log.slice(-10).map((line) => line.t);
      throw proxmoxError('proxmox/task-failed', {
        seen: `${upid}: ${exitstatus}\n${last.join('\n')}`,
        next: [`pvesh get ${path.replace(encodeURIComponent(upid), upid)}/log`],
      });
    }
    if (Date.now() >= until) {
      throw proxmoxError('proxmox/task-timeout', {
        seen: `${upid} runs since ${options.timeoutSeconds ?? 600} s`,
        next: [`pvesh get /nodes/${node}/tasks/${upid}/status`, 'drayage apply   # looks first, and goes on'],
      });
    }
    await wait(pollMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}
