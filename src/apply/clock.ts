import type { Host, RunResult } from '../ssh/host.ts';
import { laterList } from '../verify/records.ts';
import { applyError } from './errors.ts';

/** A machine's clock: seconds since the epoch, seconds since boot, and which boot it is. */
export interface Clock {
  readonly seconds: number;
  readonly uptime: number;
  readonly bootId: string;
}

/** Clocks are adjusted by less than this without being set. */
const driftSeconds = 2;

const script = 'date +%s && cat /proc/uptime /proc/sys/kernel/random/boot_id';

/** @throws apply/unreadable-output */
export async function readClock(host: Host, signal: AbortSignal): Promise<Clock> {
  return clockOf(host, await host.run(['sh', '-c', script], { signal }));
}

/** The same at a time to come, by a command that is there before. */
export async function readClockLater(host: Host, signal: AbortSignal, begin: Promise<void>): Promise<Clock> {
  const go = laterList();
  let over = false;
  const running = host.run(['sh', '-c', `read -r go && ${script}`], { signal, stdin: go.stream });
  running
    .catch(() => {})
    .finally(() => {
      over = true;
    });
  await begin.catch((error: unknown) => {
    go.give([]);
    throw error;
  });
  // Its connection was lost while it waited: another one may be had.
  if (over) return readClock(host, signal);
  go.give(['\n']);
  return clockOf(host, await running);
}

function clockOf(host: Host, result: RunResult): Clock {
  const found = /^(\d+)\n([\d.]+) [\d.]+\n([0-9a-f-]{36})\s*$/.exec(result.stdout.toString('utf8'));
  if (result.exitCode !== 0 || found === null) {
    throw applyError('apply/unreadable-output', {
      seen: `the clock of ${host.name}: ${result.stdout}${result.stderr}`.trim(),
      next: [`ssh ${host.name} date +%s`],
    });
  }
  return { seconds: Number(found[1]), uptime: Number(found[2]), bootId: found[3] as string };
}

/** Flushes what the kernel holds back of a tree: a store through a mapping must touch ctime again after it. @throws apply/command-failed */
export async function syncTree(host: Host, path: string, signal: AbortSignal): Promise<void> {
  const synced = await host.run(['sh', '-c', 'sync -f -- "$1" || sync', 'sh', path], { signal });
  if (synced.exitCode === 0) return;
  throw applyError('apply/command-failed', {
    seen: `sync on ${host.name} ended with ${synced.exitCode}: ${synced.stderr.toString('utf8').trim()}`,
    next: [`ssh ${host.name} sync`],
  });
}

/** Between two looks the clock ran as time did, within one boot: nobody set it. /proc/uptime counts CLOCK_BOOTTIME. */
export function sameClock(before: Clock, now: Clock): boolean {
  // A virtual machine that was set back to a snapshot with its memory has the same boot, and less of it.
  if (before.bootId !== now.bootId || now.uptime < before.uptime) return false;
  return Math.abs(now.seconds - before.seconds - (now.uptime - before.uptime)) <= driftSeconds;
}
