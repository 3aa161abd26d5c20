import { createHash } from 'node:crypto';
import type { Host } from '../ssh/host.ts';
import { type DigestAlgorithm, digestParser } from './digest.ts';
import { verifyError } from './errors.ts';
import { digestCommand, longestName, stampCommand } from './manifest-command.ts';
import { readManifestFile } from './manifest-file.ts';
import { printableName } from './name.ts';
import { nulList, nulRecords } from './records.ts';

/** A guest that cannot read a file within this time has lost its virtiofsd. */
const sampleTimeoutSeconds = 120;
const largestSample = 64 * 1024 * 1024;
/** Names per run of a tool. */
const batch = 256;

/** A file that is looked at elsewhere, with what the manifest says of it. */
export interface Sampled {
  /** Relative path; bytes as latin1. */
  readonly path: string;
  readonly size: number;
  readonly mtime: string;
  readonly digest: string;
}

/** Regular files spread over the tree by the hash of their names: the same tree gives the same sample. */
export async function pickSample(manifest: string, count: number): Promise<Sampled[]> {
  let ranked: { readonly rank: string; readonly file: Sampled }[] = [];
  const best = () => {
    ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
    ranked = ranked.slice(0, count);
  };
  for await (const { path, entry } of readManifestFile(manifest)) {
    const { type, size, mtime, digest } = entry;
    if (type !== 'f' || digest === undefined || size > largestSample || path.length > longestName) continue;
    const rank = createHash('sha256').update(path, 'latin1').digest('hex');
    ranked.push({ rank, file: { path, size, mtime, digest } });
    if (ranked.length > 10 * count) best();
  }
  best();
  return ranked.map(({ file }) => file);
}

/**
 * Reads the sample in a guest through its mount and compares it with the digests of the manifest.
 * @param algorithm of the manifest; the guest must have its tool (`commonDigest`)
 * @returns names whose bytes differ; empty: all equal.
 * @throws verify/no-sample when a file of the sample cannot be read there.
 */
export async function readSample(
  guest: Host,
  path: string,
  algorithm: DigestAlgorithm,
  sample: readonly Sampled[],
): Promise<string[]> {
  if (sample.length === 0) return [];
  const differing: string[] = [];
  const parser = digestParser<Sampled & { name: string }>(algorithm, {
    digest: (file, digest) => {
      if (file.digest !== digest) differing.push(printableName(file.path));
    },
    skipped: (file) => differing.push(printableName(file.path)),
  });
  parser.expect(sample.map((file) => ({ ...file, name: file.path })));
  const result = await guest.run(digestCommand(path, algorithm, batch), {
    stdin: Buffer.concat([...nulList(sample.map((file) => `./${file.path}`))]),
    timeoutSeconds: sampleTimeoutSeconds,
  });
  parser.push(result.stdout);
  if (result.exitCode !== 0 || parser.end().length > 0) {
    throw verifyError('verify/no-sample', {
      seen: `${path} on ${guest.name}: ${result.stderr.toString('utf8').trim()}`,
      next: [`ssh ${guest.name} findmnt -T ${path}`],
    });
  }
  return differing;
}

/**
 * Those of a sample whose file still has the time and size that the manifest says: the workloads may have written to,
 * or removed, the others since.
 * @param host where `path` is a local directory, the one that the guest has mounted
 */
export async function stillUnchanged(
  host: Host,
  path: string,
  sample: readonly Sampled[],
): Promise<Sampled[]> {
  if (sample.length === 0) return [];
  const stamps = new Map<string, string>();
  const parser = nulRecords((record) => {
    const found = /^(-?\d+\.\d+ \d+) \.\/(.*)$/s.exec(record);
    if (found !== null) stamps.set(found[2] as string, found[1] as string);
  });
  // A file that is gone makes xargs end with 123; the others are printed all the same.
  const result = await host.run(stampCommand(path), {
    stdin: Buffer.concat([...nulList(sample.map((file) => `./${file.path}`))]),
    timeoutSeconds: sampleTimeoutSeconds,
  });
  parser.push(result.stdout);
  return sample.filter(({ path: name, mtime, size }) => stamps.get(name) === `${mtime} ${size}`);
}
