import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { DrayageError } from '../errors/error.ts';
import { parseAnswer } from './answer.ts';
import type { ProxmoxClient } from './client.ts';
import { proxmoxError } from './errors.ts';

/** pve-common, PVE/UPID.pm. */
const upidPattern =
  /^UPID:([a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8}):([^:\s/]+):([^:\s/]*):([^:\s/]+):$/;

/** The node on which a task runs, where it must be asked for; undefined for text that is no UPID. */
export function upidNode(upid: string): string | undefined {
  return upidPattern.exec(upid)?.[1];
}

const statusSchema = z.object({ status: z.enum(['running', 'stopped']), exitstatus: z.string().optional() });
const logSchema = z.array(z.object({ n: z.number(), t: z.string() }));

const pollMs = 500;

/**
 * Waits until a task has ended well (`OK`, or `WARNINGS: n`: pve-common, UPID::status_is_error). A node that does not
 * answer for a while is asked again until the time is over: the task runs on without us.
 * The OK of `qmreboot` says only that the VM has stopped, and that of `hastart`, `hastop`, `hamigrate` only that the
 * request was queued: look at the VM afterwards.
 * @param options.timeoutSeconds default 600
 * @throws proxmox/task-failed with the last lines of its log; proxmox/task-timeout; proxmox/task-left when `signal` aborts
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
  const { timeoutSeconds = 600, signal } = options;
  const path = `/nodes/${node}/tasks/${encodeURIComponent(upid)}`;
  const look = `pvesh get /nodes/${node}/tasks/${upid}`;
  const until = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const task = await statusOf(client, path, Date.now() < until);
    if (task?.status === 'stopped') {
      const { exitstatus = 'unexpected status' } = task;
      if (exitstatus === 'OK' || /^WARNINGS: \d+$/.test(exitstatus)) return;
      throw proxmoxError('proxmox/task-failed', {
        seen: `${upid}: ${[exitstatus, ...(await lastLines(client, path))].join('\n')}`,
        next: [`${look}/log`],
      });
    }
    if (Date.now() >= until) {
      throw proxmoxError('proxmox/task-timeout', {
        seen: `${upid} runs for more than ${timeoutSeconds} s`,
        next: [`${look}/status`, 'drayage apply   # looks first, and goes on'],
      });
    }
    try {
      await wait(pollMs, undefined, signal === undefined ? {} : { signal });
    } catch (cause) {
      throw proxmoxError('proxmox/task-left', {
        seen: upid,
        next: [`${look}/status`, 'drayage apply   # looks first, and goes on'],
        cause,
      });
    }
  }
}

async function statusOf(client: Pick<ProxmoxClient, 'get'>, path: string, patient: boolean) {
  try {
    return parseAnswer(statusSchema, await client.get(`${path}/status`), `${path}/status`);
  } catch (error) {
    if (patient && error instanceof DrayageError && error.code === 'proxmox/unreachable') return undefined;
    throw error;
  }
}

/** The end of its log; the failure itself is more important than a log that cannot be read. */
async function lastLines(client: Pick<ProxmoxClient, 'get'>, path: string): Promise<string[]> {
  try {
    const log = parseAnswer(logSchema, await client.get(`${path}/log?limit=0`), `${path}/log`);
    return log.slice(-10).map((line) => line.t);
  } catch (error) {
    return [`(its log cannot be read: ${(error as Error).message})`];
  }
}
