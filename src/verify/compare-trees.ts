import { type Comparison, compareManifests } from './compare.ts';
import type { Entry, Manifest } from './manifest.ts';
import { type ReadOptions, readAttributes, readDigests, readMetadata, type Tree } from './read-tree.ts';

/**
 * - `full`: every file is read on both sides.
 * - `changed`: metadata of everything; contents and attributes only of what the source's ctime says has changed since
 *   `sourceSince`, and of what was written on the target after `targetSince` (a renamed directory's contents: their
 *   own ctime does not move). Seconds since the epoch, each by its own machine's clock.
 */
export type Scope =
  | { readonly kind: 'full' }
  | { readonly kind: 'changed'; readonly sourceSince: number; readonly targetSince: number };

export interface TreesCompared extends Comparison {
  readonly source: Manifest;
  readonly target: Manifest;
  readonly counts: {
    /** Of the source, sockets included. */
    readonly entries: number;
    readonly files: number;
    readonly bytes: number;
    /** Read and compared by content on both sides. */
    readonly filesRead: number;
    readonly bytesRead: number;
  };
  /** ACLs, xattrs and capabilities were compared; false where a side has no getfattr. */
  readonly attributesCompared: boolean;
}

export interface TreesProgress {
  readonly files: { readonly done: number; readonly total: number };
  readonly bytes: { readonly done: number; readonly total: number };
}

function* scoped(source: Manifest, target: Manifest, scope: Scope): Generator<string> {
  for (const [path, entry] of source.entries) {
    if (entry.type === 's') continue;
    if (scope.kind === 'full' || entry.ctime >= scope.sourceSince) yield path;
    else if ((target.entries.get(path)?.ctime ?? 0) >= scope.targetSince) yield path;
  }
}

/** Both are regular files of one size: whether they are equal is only known by reading them. */
function mustBeRead(path: string, source: Manifest, target: Manifest): boolean {
  const left = source.entries.get(path);
  const right = target.entries.get(path);
  return left?.type === 'f' && right?.type === 'f' && left.size === right.size;
}

/** Reads two trees, at the same time, and says what differs. @throws verify/unreadable, verify/unreadable-output */
export async function compareTrees(
  sides: { readonly source: Tree; readonly target: Tree },
  scope: Scope,
  options: {
    readonly topIsShare: boolean;
    readonly signal?: AbortSignal;
    readonly progress?: (progress: TreesProgress) => void;
  },
): Promise<TreesCompared> {
  const reading: ReadOptions = options.signal === undefined ? {} : { signal: options.signal };
  const [source, target] = await Promise.all([
    readMetadata(sides.source, reading),
    readMetadata(sides.target, reading),
  ]);
  const paths = [...scoped(source, target, scope)];
  const contents = paths.filter((path) => mustBeRead(path, source, target));
  const bytesOf = (path: string) => (source.entries.get(path) as Entry).size;
  const total = { files: contents.length, bytes: contents.reduce((sum, path) => sum + bytesOf(path), 0) };
  const done = { files: 0, bytes: 0 };
  const counting: ReadOptions = {
    ...reading,
    onRead(files, bytes) {
      // Each file is read once per side; half of both is what is done.
      done.files += files / 2;
      done.bytes += bytes / 2;
      options.progress?.({
        files: { done: Math.floor(done.files), total: total.files },
        bytes: { done: Math.floor(done.bytes), total: total.bytes },
      });
    },
  };
  await Promise.all([
    readDigests(sides.source, source, contents, counting),
    readDigests(sides.target, target, contents, counting),
    readAttributes(sides.source, source, paths, reading),
    readAttributes(sides.target, target, paths, reading),
  ]);
  const { differences, sockets } = compareManifests(source, target, options);
  let files = 0;
  let bytes = 0;
  for (const entry of source.entries.values()) {
    if (entry.type !== 'f') continue;
    files += 1;
    bytes += entry.size;
  }
  return {
    source,
    target,
    differences,
    sockets,
    attributesCompared: source.attributesKnown && target.attributesKnown,
    counts: { entries: source.entries.size, files, bytes, filesRead: total.files, bytesRead: total.bytes },
  };
}
