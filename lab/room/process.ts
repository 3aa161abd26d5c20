import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { z } from 'zod';

/** A process that is recognised again: a pid alone may belong to another process later. */
export const processIdentitySchema = z.object({
  pid: z.int().positive(),
  /** Field 22 of /proc/PID/stat: clock ticks between the host's boot and the process's start. */
  startTicks: z.string(),
  bootId: z.string(),
});
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** Field 22 of a /proc/PID/stat line; the second field, the command's name, may contain anything. */
export function startTicksOf(stat: string): string {
  const afterName = stat.slice(stat.lastIndexOf(')') + 2);
  const ticks = afterName.split(' ')[19];
  if (ticks === undefined) throw new Error(`not a line of /proc/PID/stat: ${stat}`);
  return ticks;
}

const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Throws ENOENT when there is no such process. */
export function identify(pid: number): ProcessIdentity {
  return { pid, startTicks: startTicksOf(readFileSync(`/proc/${pid}/stat`, 'utf8')), bootId: bootId() };
}

/** Whether this very process still runs (a zombie does not). */
export function isAlive(identity: ProcessIdentity): boolean {
  try {
    const stat = readFileSync(`/proc/${identity.pid}/stat`, 'utf8');
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    return state !== 'Z' && startTicksOf(stat) === identity.startTicks && bootId() === identity.bootId;
  } catch {
    return false;
  }
}

/** Pids of a process's children, oldest first; none when it is gone. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return [];
  }
}

/** The namespace of a process, such as `pid:[4026532]`; undefined when it is gone. */
export function namespaceOf(pid: number, kind: 'pid' | 'net' | 'mnt'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

/** Pids of all processes within a namespace. */
export function processesIn(namespace: string, kind: 'pid' | 'net' | 'mnt'): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => namespaceOf(pid, kind) === namespace);
}
