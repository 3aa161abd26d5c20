import { execFileSync } from 'node:child_process';
import { accessSync, constants, writeFileSync } from 'node:fs';
import type { Place } from './place.ts';

const dropFile = '/proc/sys/vm/drop_caches';

export type CacheState = 'warm' | 'cold' | 'mounted anew';

/** What `prepareCaches` really reaches on this machine when asked for it. */
export function reachable(wanted: 'warm' | 'cold'): CacheState {
  if (wanted === 'warm') return 'warm';
  try {
    accessSync(dropFile, constants.W_OK);
    return 'cold';
  } catch {
    return 'mounted anew';
  }
}

/**
 * The same state before each measurement: nothing left to write; then, warm: names and inodes of both sides were just
 * read; cold: the kernel's caches were dropped (where that may not be, both file systems were mounted anew).
 */
export function prepareCaches(wanted: 'warm' | 'cold', places: readonly Place[]): void {
  flush();
  const state = reachable(wanted);
  if (state === 'cold') writeFileSync(dropFile, '3\n');
  else if (state === 'mounted anew') for (const place of places) place.remount();
  else for (const place of places) execFileSync('find', [place.path, '-printf', '%C@'], { stdio: 'ignore' });
}

/** Everything written so far is on the disk: no measurement pays for another's writes. */
export function flush(): void {
  execFileSync('sync');
}
