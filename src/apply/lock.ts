import { readFileSync } from 'node:fs';
import { link, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { applyError } from './errors.ts';

interface Holder {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat (proc(5)): a pid alone may have been given to another process since. */
  readonly startTime: string;
  readonly bootId: string;
  /** Another machine's process cannot be looked at: it counts as alive. */
  readonly hostname: string;
  readonly run: string;
}

function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function alive(holder: Holder): boolean {
  if (holder.hostname !== hostname()) return true;
  return holder.bootId === bootId() && startTimeOf(holder.pid) === holder.startTime;
}

async function holderOf(file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export interface Lock {
  release(): Promise<void>;
}

/** Takes the lock for this process; a lock whose process is gone is replaced. @throws apply/locked, naming the run that holds it. */
export async function takeLock(file: string, run: string): Promise<Lock> {
  const own: Holder = {
    pid: process.pid,
    startTime: startTimeOf(process.pid) ?? '',
    bootId: bootId(),
    hostname: hostname(),
    run,
  };
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, JSON.stringify(own), { mode: 0o600 });
  try {
    for (let tries = 0; ; tries += 1) {
      try {
        // link(2) fails when the name is there: the file is never seen half written.
        await link(temporary, file);
        return { release: () => rm(file, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = await holderOf(file);
      if ((holder !== undefined && alive(holder)) || tries > 3) {
        throw applyError('apply/locked', {
          seen: `${file} is held by ${holder === undefined ? 'another run' : `run ${holder.run}, process ${holder.pid} on ${holder.hostname}`}`,
          next: [
            'drayage status',
            ...(holder === undefined
              ? []
              : [`ps -p ${holder.pid} -o pid,etime,args   # on ${holder.hostname}`]),
          ],
        });
      }
      await unlink(file).catch(() => {});
    }
  } finally {
    await rm(temporary, { force: true });
  }
}
