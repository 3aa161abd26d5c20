import type { SourceDirectory } from '../inspect/findings.ts';

/** Assumed where nothing was measured: a gigabit link, and the rate at which rsync makes small files. */
const defaultBytesPerSecond = 80_000_000;
const entriesPerSecond = 1_500;
/** A second rsync pass over unchanged entries: 212,008 in 5.9 to 8.6 s (reference/change-list.md). */
const scannedPerSecond = 25_000;
/** Stopping, looking and starting, for each workload: 30 s for five in emulated guests, less on real ones. */
const secondsPerWorkload = 4;
/** Looking, comparing, the snapshot and the release, whatever there is. */
const secondsPerWindow = 10;

/** What the copy is likely to take, in seconds. A projection to plan an evening by, not a promise. */
export function estimate(source: SourceDirectory, workloads: number) {
  const rate = source.readBytesPerSecond ?? defaultBytesPerSecond;
  const seedSeconds = Math.ceil(source.allocatedBytes / rate + source.entries / entriesPerSecond);
  const windowSeconds = Math.ceil(
    secondsPerWindow + workloads * secondsPerWorkload + source.entries / scannedPerSecond,
  );
  return { entries: source.entries, bytes: source.bytes, seedSeconds, windowSeconds };
}
