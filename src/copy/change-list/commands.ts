import { quoteArgv } from '../../ssh/quote.ts';

/** find's -path takes a glob: a name is matched literally only with its special characters escaped. */
function literal(path: string): string {
  return `./${path.replace(/^\/+|\/+$/g, '')}`.replace(/[*?[\]\\]/g, '\\$&');
}

/** `( -path A -o -path B ) -prune -o`, or nothing. */
function pruned(exclude: readonly string[]): string[] {
  if (exclude.length === 0) return [];
  const paths = exclude.flatMap((path, index) => [...(index === 0 ? [] : ['-o']), '-path', literal(path)]);
  return ['(', ...paths, ')', '-prune', '-o'];
}

/** What a scan ends with when the path is no directory or has nothing in it: no exit code of find. */
export const nothingThere = 3;

/** type, device:inode, names, blocks of 512 bytes, size, path; ended by NUL. */
const seenFormat = '%y %D:%i %n %b %s %p\\0';
/** type, path; ended by NUL. Most file systems tell the type with the name: find need not ask for the inode. */
const kindFormat = '%y %p\\0';

/**
 * One walk over the tree, by metadata alone. A dot per entry; after it, for what has a ctime later than `since`
 * (seconds since the epoch), `C`, its `seenFormat`; for every other directory `D device:inode path`, and for what else has
 * several names `L`, its `seenFormat`; all ended by NUL.
 */
export function scanCommand(path: string, exclude: readonly string[], since: number): string[] {
  const script = `cd -- "$1" && test -n "$(find . -mindepth 1 -maxdepth 1 -print -quit)" || exit ${nothingThere}; shift; exec find . -xdev "$@"`;
  const changed = ['-newerct', `@${since}`, '-printf', `C${seenFormat}`];
  const directory = ['-type', 'd', '-printf', 'D %D:%i %p\\0'];
  const linked = ['-links', '+1', '-printf', `L${seenFormat}`];
  return [
    'sh',
    '-c',
    script,
    'sh',
    path,
    ...pruned(exclude),
    '-printf',
    '.',
    '(',
    ...changed,
    '-o',
    ...directory,
    '-o',
    ...linked,
    ')',
  ];
}

/** `find` at the places named on stdin (`.` or `./name`, NUL-separated). */
function findAt(path: string, expression: readonly string[]): string[] {
  const find = `exec find "$@" ${quoteArgv(expression)}`;
  return ['sh', '-c', 'cd -- "$1" && exec xargs -0 -r sh -c "$2" sh', 'sh', path, find];
}

const depths = {
  itself: ['-maxdepth', '0'],
  children: ['-mindepth', '1', '-maxdepth', '1'],
  whole: [],
} as const;

/** How far a listing goes below the names it is given. */
export type Depth = keyof typeof depths;

/** What is at, or below, the places named on stdin; in `seenFormat`. */
export function listCommand(path: string, exclude: readonly string[], depth: Depth): string[] {
  return findAt(path, ['-xdev', ...depths[depth], ...pruned(exclude), '-printf', seenFormat]);
}

/** The same, but only of which type each is; in `kindFormat`. */
export function kindsCommand(path: string, exclude: readonly string[], depth: Depth): string[] {
  return findAt(path, ['-xdev', ...depths[depth], ...pruned(exclude), '-printf', kindFormat]);
}

/** Every name in the tree of an inode with several names; in `seenFormat`. */
export function linkedCommand(path: string, exclude: readonly string[]): string[] {
  const linked = ['!', '-type', 'd', '-links', '+1', '-printf', seenFormat];
  return [
    'sh',
    '-c',
    'cd -- "$1" && shift && exec find . -xdev "$@"',
    'sh',
    path,
    ...pruned(exclude),
    ...linked,
  ];
}

/** A dot for each entry below the directories named on stdin. */
export function countCommand(path: string): string[] {
  return findAt(path, ['-mindepth', '1', '-printf', '.']);
}
