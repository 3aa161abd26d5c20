import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Event, Sink } from '../apply/events.ts';
import { atRest, exposition, standingAfter } from './metrics.ts';

/** Milliseconds between two writings while one piece of work goes on. */
const writeEvery = 15_000;
/** The same where several pieces of work take turns. */
const leastBetween = 1_000;

/**
 * Keeps a file for node_exporter's textfile collector: written beside it and renamed, so that a half is never read, at
 * every change of what goes on and now and then during progress. A file that cannot be written is told of once; the run
 * does not depend on it.
 * @param file absolute path
 * @param now milliseconds since the epoch
 */
export function metricsFile(file: string, warn: (text: string) => void, now: () => number = Date.now): Sink {
  let standing = atRest;
  let written = -Infinity;
  let work = '';
  let warned = false;
  const write = () => {
    written = now();
    try {
      writeWhole(file, exposition(standing));
    } catch (error) {
      if (!warned) warn(`No metrics are written: ${error instanceof Error ? error.message : String(error)}`);
      warned = true;
    }
  };
  const isDue = (event: Event) => {
    if (event.type !== 'progress') return event.type !== 'message';
    const begun = event.what !== work;
    work = event.what;
    return now() - written >= (begun ? leastBetween : writeEvery);
  };
  return (event) => {
    standing = standingAfter(standing, event, Math.round(now() / 1000));
    if (isDue(event)) write();
  };
}

/** The collector reads every file that ends in `.prom`, as a user of its own. */
function writeWhole(file: string, text: string): void {
  const beside = join(dirname(file), `.${basename(file)}.${process.pid}`);
  try {
    rmSync(beside, { force: true });
    writeFileSync(beside, text, { flag: 'wx' });
    chmodSync(beside, 0o644);
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
