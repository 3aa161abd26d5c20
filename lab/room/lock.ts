import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { roomError } from './errors.ts';
import type { LabPaths } from './layout.ts';
import { identify, isAlive, processIdentitySchema } from './process.ts';

/**
 * Runs `work` while no other process starts a lab with the same state folder.
 * A lock of a process that is gone is taken over. Throws lab/already-running.
 */
export async function withStartLock<T>(paths: LabPaths, work: () => Promise<T>): Promise<T> {
  take(paths);
  try {
    return await work();
  } finally {
    rmSync(paths.lockFile, { force: true });
  }
}

function take(paths: LabPaths): void {
  const mine = JSON.stringify(identify(process.pid));
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(paths.lockFile, mine, { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = processIdentitySchema.safeParse(parse(readFileSync(paths.lockFile, 'utf8')));
      if (holder.success && isAlive(holder.data))
        throw roomError('lab/already-running', {
          seen: `Process ${holder.data.pid} is starting a lab in ${paths.root}.`,
          next: ['npm run lab -- status', 'DRAYAGE_LAB_DIR=.lab2 npm run lab -- up'],
        });
      rmSync(paths.lockFile, { force: true });
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
