import type { Host } from '../../ssh/host.ts';
import { type TreeLimits, TreeTotals, UnreadableRecord } from './tree.ts';

/**
 * Depth first, so that the depth alone tells a record's directory. Ended by NUL: `d<depth> <device> <name>` a directory,
 * `f<depth> <size>` a file of one name, `l<depth> <size> <inode> <names>` what has several, `o<depth>` all else.
 */
const records = [
  ['-type', 'd', '-printf', 'd%d %D %f\\0'],
  ['-type', 'f', '-links', '1', '-printf', 'f%d %s\\0'],
  ['-type', 'f', '-printf', 'l%d %s %i %n\\0'],
  ['-links', '+1', '-printf', 'l%d 0 %i %n\\0'],
  ['-printf', 'o%d\\0'],
].flatMap((record, index) => (index === 0 ? record : ['-o', ...record]));

/** find's -path takes a pattern: this makes it mean the path itself. */
function literal(path: string): string {
  return `./${path.replace(/^\/+|\/+$/g, '')}`.replace(/[*?[\]\\]/g, '\\$&');
}

/** One `find` over a tree, on its own file system. @param exclude relative paths, taken literally. */
export function scanArgv(path: string, exclude: readonly string[]): string[] {
  const leftOut = exclude.flatMap((name) => ['-path', literal(name), '-prune', '-o']);
  return [
    'sh',
    '-c',
    'cd -- "$1" && shift && exec find . "$@"',
    'sh',
    path,
    ...['-xdev', '-ignore_readdir_race'],
    ...leftOut,
    ...records,
  ];
}

/**
 * What the tree weighs, or nothing where that cannot be told: a find that ended before its time, records of another
 * shape, more linked inodes than may be remembered. Entries that find could not read are not its matter; rsync names them.
 */
export async function scanTree(
  source: Host,
  path: string,
  exclude: readonly string[],
  options: { readonly signal?: AbortSignal; readonly limits?: TreeLimits } = {},
): Promise<TreeTotals | undefined> {
  const totals = new TreeTotals(options.limits);
  let readable = true;
  const take = (chunk: Buffer) => {
    try {
      if (readable) totals.add(chunk);
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error;
      readable = false;
    }
  };
  const result = await source.run(scanArgv(path, exclude), {
    onStdout: take,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  take(result.stdout);
  // find(1): greater than 0 if errors occurred; it has then still looked at all that it could read.
  const ended = result.exitCode === 0 || result.exitCode === 1;
  return ended && readable && totals.complete && !totals.tooLinked && totals.root !== undefined
    ? totals
    : undefined;
}
