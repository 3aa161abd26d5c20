import type { Host, RunResult } from '../ssh/host.ts';
import { applyError } from './errors.ts';

/** A machine's clock: seconds since the epoch, seconds since boot, and which boot it is. */
export interface Clock {
  readonly seconds: number;
  readonly uptime: number;
  readonly bootId: string;
}

/** Clocks are adjusted by less than this without being set. */
const driftSeconds = 2;

const look = 'date +%s && cat /proc/uptime /proc/sys/kernel/random/boot_id';
const sync = 'sync -f -- "$1" || sync';

/** @throws apply/unreadable-output */
export async function readClock(host: Host): Promise<Clock> {
  const result = await host.run(['sh', '-c', look]);
  const clock = parseClock(result.stdout);
  if (result.exitCode !== 0 || clock === undefined) throw unreadable(host, result.stdout, result.stderr);
  return clock;
}

function parseClock(stdout: Buffer): Clock | undefined {
  const found = /^(\d+)\n([\d.]+) [\d.]+\n([0-9a-f-]{36})\n$/.exec(stdout.toString('utf8'));
  if (found === null) return undefined;
  return { seconds: Number(found[1]), uptime: Number(found[2]), bootId: found[3] as string };
}

function unreadable(host: Host, stdout: Buffer, stderr: Buffer): Error {
  return applyError('apply/unreadable-output', {
    seen: `the clock of ${host.name}: ${stdout}${stderr}`.trim(),
    next: [`ssh ${host.name} date +%s`],
  });
}

/** Flushes what the kernel holds back of a tree: a store through a mapping must touch ctime again after it. @throws apply/command-failed */
export async function syncTree(host: Host, path: string): Promise<void> {
  refuseUnsynced(host, await host.run(['sh', '-c', sync, 'sh', path]));
}

function refuseUnsynced(host: Host, { exitCode, stderr }: RunResult): void {
  if (exitCode === 0) return;
  throw applyError('apply/command-failed', {
    seen: `sync on ${host.name} ended with ${exitCode}: ${stderr.toString('utf8').trim()}`,
    next: [`ssh ${host.name} sync`],
  });
}

/** `readClock`, then `syncTree`, by one command; the clock is known before the end of the flush. Both may be awaited at any time. */
export function clockThenSync(
  host: Host,
  path: string,
): { readonly clock: Promise<Clock>; readonly synced: Promise<void> } {
  let said = Buffer.alloc(0);
  let know: (clock: Clock) => void = () => {};
  const known = new Promise<Clock>((resolve) => {
    know = resolve;
  });
  const hear = (chunk: Buffer) => {
    said = Buffer.concat([said, chunk]);
    const clock = parseClock(said);
    if (clock !== undefined) know(clock);
    return clock !== undefined;
  };
  const script = `{ ${look}; } || exit; ${sync}`;
  const ran = host.run(['sh', '-c', script, 'sh', path], {
    onStdout: (chunk) => void hear(chunk),
  });
  const ended = ran.then((result) => {
    if (!hear(result.stdout)) throw unreadable(host, said, result.stderr);
    return result;
  });
  const synced = ended.then((result) => refuseUnsynced(host, result));
  const clock = Promise.race([known, ended.then(() => known)]);
  for (const one of [synced, clock]) one.catch(() => {});
  return { clock, synced };
}

/** Between two looks the clock ran as time did, within one boot: nobody set it. /proc/uptime counts CLOCK_BOOTTIME. */
export function sameClock(before: Clock, now: Clock): boolean {
  // A virtual machine that was set back to a snapshot with its memory has the same boot, and less of it.
  if (before.bootId !== now.bootId || now.uptime < before.uptime) return false;
  return Math.abs(now.seconds - before.seconds - (now.uptime - before.uptime)) <= driftSeconds;
}
