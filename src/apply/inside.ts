import type { Check } from '../plan/operation.ts';
import type { Host } from '../ssh/host.ts';
import type { DigestAlgorithm } from '../verify/digest.ts';
import { readManifestFile } from '../verify/manifest-file.ts';
import { printableName } from '../verify/name.ts';
import type { MoveReport } from '../verify/report.ts';
import { pickSample, readSample, type Sampled, stillUnchanged } from '../verify/sample.ts';
import { countTops, unlike } from '../verify/top-counts.ts';
import type { World } from './world.ts';

type Inside = NonNullable<Extract<Check, { kind: 'compare' }>['inside']>;

/** Files that are also read in the target guest, through its mount. */
const sampleSize = 200;
/** virtiofs keeps what it was told for up to a second (`cache=auto`); something may be renamed while all is counted. */
const looks = 3;
const betweenMs = 1500;

/**
 * What the target guest sees through its mount, while its workloads may already write: a sample of the files that
 * nobody has written to since, byte by byte, and the number of entries below each name at the top that nobody has
 * touched since. Both must be as on the node; what was touched is only told.
 * @param manifest of the state that was proven
 * @returns `wrong`: what the guest does not see, in a few lines
 */
export async function lookInside(
  inside: Inside,
  node: Host,
  manifest: string,
  algorithm: DigestAlgorithm,
  world: World,
): Promise<{ report: NonNullable<MoveReport['inside']>; wrong?: string }> {
  const { host, path, live } = inside;
  const guest = world.hosts(host);
  const { sample, differing } = await readInside(inside, node, guest, manifest, algorithm);
  const { newest, entries: proven } = await lastTouched(manifest);
  let seen = { entries: 0, tops: 0, unlike: [] as string[] };
  for (let look = 1; look <= looks; look += 1) {
    if (look > 1) await world.sleep(betweenMs);
    const before = await countTops(node, live, newest);
    const there = await countTops(guest, path, newest);
    const after = await countTops(node, live, newest);
    const entries = [...there.values()].reduce((sum, count) => sum + count, 0);
    seen = { entries, tops: there.size, unlike: unlike(there, before, after) };
    if (seen.unlike.length === 0) break;
  }
  const touched = Math.max(0, proven - seen.entries);
  const report = { host, path, files: sample.length, differing, touched, ...seen };
  const lines = [
    ...differing.slice(0, 10).map((name) => `${name}: other bytes than on the node`),
    ...seen.unlike.slice(0, 10),
  ];
  if (lines.length === 0) return { report };
  const wrong = `${host} sees ${differing.length} of ${sample.length} files, and ${seen.unlike.length} of ${seen.tops} names at the top, otherwise than the node through ${path}:\n${lines.join('\n')}`;
  return { report, wrong };
}

/** What is written to, or removed, while the guest reads it says nothing: only what is the same before and after counts. */
async function readInside(
  { path, live }: Inside,
  node: Host,
  guest: Host,
  manifest: string,
  algorithm: DigestAlgorithm,
): Promise<{ sample: readonly Sampled[]; differing: string[] }> {
  let sample = await stillUnchanged(node, live, await pickSample(manifest, sampleSize));
  for (;;) {
    const read = await readSample(guest, path, algorithm, sample).catch((error: unknown) => error);
    const after = await stillUnchanged(node, live, sample);
    if (Array.isArray(read)) {
      const same = new Set(after.map((file) => printableName(file.path)));
      return { sample: after, differing: read.filter((name) => same.has(name)) };
    }
    if (after.length === sample.length) throw read;
    sample = after;
  }
}

/** The last ctime of a manifest (seconds with their fraction) and its entries below the top. */
async function lastTouched(manifest: string): Promise<{ newest: string; entries: number }> {
  let newest = '0.000000000';
  let entries = 0;
  for await (const { path, entry } of readManifestFile(manifest)) {
    if (path === '') continue;
    entries += 1;
    // Compared as text only where the seconds have as many digits.
    if (entry.ctime.length >= newest.length && entry.ctime > newest) newest = entry.ctime;
  }
  return { newest, entries };
}
