import { join } from 'node:path';
import { type Comparison, compareManifests } from './compare.ts';
import { commonDigest, type DigestAlgorithm } from './digest.ts';
import { type ManifestSummary, takeManifest } from './take-manifest.ts';
import { together } from './together.ts';
import type { Tree } from './tree.ts';

export interface Sides {
  readonly source: Tree;
  readonly target: Tree;
}

export interface TreesOptions {
  /** The target is the top of a share: owner, mode and time of the top belong to the share, not to the move. */
  readonly topIsShare: boolean;
  /** Folder on the controller that keeps both manifests. */
  readonly folder: string;
  /** Their file names. */
  readonly names: { readonly source: string; readonly target: string };
  /** Folder on the controller for temporary files. */
  readonly scratch: string;
  /** Earlier manifests, whose digests stand for files that have not changed since. */
  readonly remembered?: { readonly source?: string; readonly target?: string };
  /** The fastest that both machines have, unless it is said. */
  readonly algorithm?: DigestAlgorithm;
  readonly signal?: AbortSignal;
  readonly progress?: (progress: TreesProgress) => void;
}

export interface TreesCompared extends Comparison {
  readonly algorithm: DigestAlgorithm;
  /** The manifest files and what is in them. */
  readonly source: ManifestSummary;
  readonly target: ManifestSummary;
  readonly counts: {
    /** Of the source, sockets included. */
    readonly entries: number;
    readonly files: number;
    readonly bytes: number;
    /** Of the source, read in this comparison; the digests of the others were remembered. */
    readonly filesRead: number;
    readonly bytesRead: number;
  };
}

/** Each file counts once, half of it for each side. Reported from the moment when both totals are known. */
export interface TreesProgress {
  readonly files: { readonly done: number; readonly total: number };
  readonly bytes: { readonly done: number; readonly total: number };
}

/** Adds up what both sides read. */
function progressOf(report: (progress: TreesProgress) => void) {
  const done = { files: 0, bytes: 0 };
  const total = { files: 0, bytes: 0 };
  let known = 0;
  const say = () => {
    if (known < 2) return;
    const share = (what: 'files' | 'bytes') => ({
      done: Math.floor(done[what] / 2),
      total: Math.floor(total[what] / 2),
    });
    report({ files: share('files'), bytes: share('bytes') });
  };
  return {
    onToRead(files: number, bytes: number) {
      known += 1;
      total.files += files;
      total.bytes += bytes;
      say();
    },
    onRead(files: number, bytes: number) {
      done.files += files;
      done.bytes += bytes;
      say();
    },
  };
}

/**
 * Reads two trees whole, at the same time, each into its manifest, and says what differs.
 * @throws verify/unreadable, verify/unreadable-output, verify/scratch, verify/manifest
 */
export async function compareTrees(sides: Sides, options: TreesOptions): Promise<TreesCompared> {
  const { folder, names, scratch, remembered = {} } = options;
  const algorithm = options.algorithm ?? (await commonDigest([sides.source.host, sides.target.host]));
  const progress = options.progress === undefined ? {} : progressOf(options.progress);
  const [source, target] = await together(options.signal, (signal) => {
    const take = (side: 'source' | 'target') => {
      const earlier = remembered[side];
      return takeManifest(sides[side], {
        file: join(folder, names[side]),
        scratch,
        algorithm,
        signal,
        ...(earlier === undefined ? {} : { remembered: earlier }),
        ...progress,
      });
    };
    return Promise.all([take('source'), take('target')]);
  });
  const comparison = await compareManifests(source.file, target.file, { topIsShare: options.topIsShare });
  const { entries, files, bytes, filesRead, bytesRead } = source;
  return {
    ...comparison,
    algorithm,
    source,
    target,
    counts: { entries, files, bytes, filesRead, bytesRead },
  };
}
