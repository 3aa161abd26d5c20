import type { SourceDirectory } from '../inspect/findings.ts';

/** Assumed where nothing was measured: a gigabit link, and the rate at which rsync makes small files. */
const defaultBytesPerSecond = 80_000_000;
const entriesPerSecond = 1_500;
/** A second rsync pass over unchanged entries: 212,008 in 5.9 to 8.6 s (docs/performance.md says on what). */
const passedPerSecond = 25_000;
/** A scan of the source alone, cold: 212,008 entries in 1.8 s. */
const scannedPerSecond = 100_000;
/** Stopping and looking, and starting and looking, for each workload: 30 s for five in emulated guests, less on real ones. */
const secondsPerStop = 2;
const secondsPerStart = 2;
/** A short list: looks, rsync, and the comparison. */
const secondsPerList = 4;
/** Looking, the snapshot and the release, whatever there is. */
const secondsPerRelease = 6;

/**
 * What the copy is likely to take, in seconds. A projection to plan an evening by, not a promise.
 * @param full in the window everything is passed over, and read on both sides
 */
export function estimate(
  source: Pick<SourceDirectory, 'entries' | 'bytes' | 'allocatedBytes' | 'readBytesPerSecond'>,
  workloads: number,
  full = false,
) {
  const rate = source.readBytesPerSecond ?? defaultBytesPerSecond;
  const { entries, bytes, allocatedBytes } = source;
  const seedSeconds = Math.ceil(allocatedBytes / rate + entries / entriesPerSecond);
  const window = {
    stop: workloads * secondsPerStop,
    copy: Math.ceil(
      secondsPerList +
        (full ? entries / passedPerSecond + allocatedBytes / rate : entries / scannedPerSecond),
    ),
    release: secondsPerRelease,
    start: workloads * secondsPerStart,
  };
  const windowSeconds = window.stop + window.copy + window.release + window.start;
  return { entries, bytes, seedSeconds, windowSeconds, workloads, window };
}
