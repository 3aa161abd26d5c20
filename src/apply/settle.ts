import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDirectories } from '../copy/change-list/directories.ts';
import { compareManifests } from '../verify/compare.ts';
import type { DigestAlgorithm } from '../verify/digest.ts';
import { readManifestFile } from '../verify/manifest-file.ts';
import { takeManifest } from '../verify/take-manifest.ts';
import type { Tree } from '../verify/tree.ts';
import { keptManifests } from './baseline.ts';
import type { Amount } from './events.ts';
import { isThere } from './file.ts';

export interface Settled {
  /** Of the source. */
  readonly entries: number;
  /** Names that are not the same on both sides; bytes as latin1. */
  readonly pending: string[];
  /** File with the identity of each directory of the source. */
  readonly directories: string;
}

export interface SettleOptions {
  /** Where the manifests of both sides are kept: digests of an earlier one hold where inode, ctime and size are the same. */
  readonly kept: string;
  /** Takes the file of directories. */
  readonly folder: string;
  readonly algorithm: DigestAlgorithm;
  /** The source is in use: what vanishes or changes while it is read is no error, and not equal. */
  readonly live: boolean;
  readonly topIsShare: boolean;
  readonly signal: AbortSignal;
  readonly progress: (progress: { readonly files: Amount; readonly bytes: Amount }) => void;
}

/** Reads both sides at the same time, each its own disk, and says what differs and where each directory is. */
export async function settleTrees(
  sides: { readonly source: Tree; readonly target: Tree },
  options: SettleOptions,
): Promise<Settled> {
  const { kept, folder, algorithm, live, topIsShare, signal } = options;
  const files = keptManifests(kept);
  const done = { files: 0, bytes: 0 };
  const due = { files: 0, bytes: 0 };
  const take = async (side: 'source' | 'target') => {
    const scratch = join(folder, `sorting-${side}`);
    await mkdir(scratch, { mode: 0o700 });
    return takeManifest(sides[side], {
      file: files[side],
      scratch,
      algorithm,
      live: live && side === 'source',
      ...((await isThere(files[side])) ? { remembered: files[side] } : {}),
      signal,
      onToRead(count, bytes) {
        due.files += count;
        due.bytes += bytes;
      },
      onRead(count, bytes) {
        done.files += count;
        done.bytes += bytes;
        tell();
      },
    });
  };
  // Each file is read once per side; half of both is what is done.
  const half = (what: 'files' | 'bytes') => ({
    done: Math.floor(done[what] / 2),
    total: Math.ceil(due[what] / 2),
  });
  const tell = () => options.progress({ files: half('files'), bytes: half('bytes') });
  const [source] = await Promise.all([take('source'), take('target')]);
  const pending = new Set<string>();
  await compareManifests(files.source, files.target, {
    topIsShare,
    onDifference: ({ name }) => pending.add(name),
  });
  const directories = join(folder, 'directories.gz');
  await writeDirectories(directories, readManifestFile(files.source));
  return { entries: source.entries, pending: [...pending], directories };
}
