import { createHash } from 'node:crypto';
import type { Host } from '../ssh/host.ts';
import { verifyError } from './errors.ts';
import type { Manifest } from './manifest.ts';
import { digestCommand, stampCommand } from './manifest-command.ts';
import { printableName } from './name.ts';
import { nulList, nulRecords } from './records.ts';

/** A guest that cannot read a file within this time has lost its virtiofsd. */
const sampleTimeoutSeconds = 120;
const largestSample = 64 * 1024 * 1024;
const longestName = 4000;

/** Regular files spread over the tree by the hash of their names: the same tree gives the same sample. */
export function pickSample(manifest: Manifest, count: number): string[] {
  const ranked: { path: string; rank: string }[] = [];
  for (const [path, entry] of manifest.entries) {
    if (entry.type !== 'f' || entry.size > largestSample || path.length > longestName) continue;
    ranked.push({ path, rank: createHash('sha256').update(path, 'latin1').digest('hex') });
  }
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return ranked.slice(0, count).map(({ path }) => path);
}

/**
 * Reads the sample in a guest through its mount and compares it with the digests of the manifest.
 * @returns names whose bytes differ; empty: all equal.
 * @throws verify/no-sample when a file of the sample cannot be read there.
 */
export async function readSample(
  guest: Host,
  path: string,
  manifest: Manifest,
  sample: readonly string[],
): Promise<string[]> {
  if (sample.length === 0) return [];
  const seen = new Map<string, string>();
  const parser = nulRecords((record) => {
    const found = /^([0-9a-f]{64}) {2}\.\/(.*)$/s.exec(record);
    if (found !== null) seen.set(found[2] as string, found[1] as string);
  });
  const names = [...nulList(sample.map((name) => `./${name}`))];
  const result = await guest.run(digestCommand(path), {
    stdin: Buffer.concat(names),
    timeoutSeconds: sampleTimeoutSeconds,
  });
  parser.push(result.stdout);
  if (result.exitCode !== 0) {
    throw verifyError('verify/no-sample', {
      seen: `${path} on ${guest.name}: ${result.stderr.toString('utf8').trim()}`,
      next: [`ssh ${guest.name} findmnt -T ${path}`],
    });
  }
  return sample.filter((name) => seen.get(name) !== manifest.entries.get(name)?.digest).map(printableName);
}

/**
 * Those names of a sample whose file still has the time and size that the manifest says: the workloads may have
 * written to, or removed, the others since.
 * @param host where `path` is a local directory, the one that the guest has mounted
 */
export async function stillUnchanged(
  host: Host,
  path: string,
  manifest: Manifest,
  sample: readonly string[],
): Promise<string[]> {
  if (sample.length === 0) return [];
  const same = new Set<string>();
  const parser = nulRecords((record) => {
    const found = /^(-?\d+\.\d+) (\d+) \.\/(.*)$/s.exec(record);
    if (found === null) return;
    const [, mtime, size, name] = found as unknown as [string, string, string, string];
    const entry = manifest.entries.get(name);
    if (entry?.mtime.startsWith(mtime) && entry.size === Number(size)) same.add(name);
  });
  const names = [...nulList(sample.map((name) => `./${name}`))];
  // A file that is gone makes xargs end with 123; the others are printed all the same.
  const result = await host.run(stampCommand(path), {
    stdin: Buffer.concat(names),
    timeoutSeconds: sampleTimeoutSeconds,
  });
  parser.push(result.stdout);
  return sample.filter((name) => same.has(name));
}
