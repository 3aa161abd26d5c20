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

/** What a command ends with when the path is no directory, or has nothing in it: no exit code of find. */
export const nothingThere = 3;

/** type, device:inode, names, blocks of 512 bytes, size, path; ended by NUL. */
const seenFormat = '%y %D:%i %n %b %s %p\\0';
/** type, path; ended by NUL. Most file systems tell the type with the name: find need not ask for the inode. */
const kindFormat = '%y %p\\0';

/** Not into these directories (`a/b`, without characters that are special in a pattern). */
function without(directories: readonly string[]): string[] {
  return directories.length === 0 ? [] : ['-type', 'd', ...pruned(directories)];
}

/**
 * One walk over the tree, by metadata alone. A dot per entry; after it, for what has a ctime later than `since`
 * (seconds since the epoch), `C`, its `seenFormat`; for every other directory `D device:inode path`, and for what else has
 * several names `L`, its `seenFormat`; all ended by NUL.
 * @param others directories that another walk goes through
 */
export function scanCommand(
  path: string,
  exclude: readonly string[],
  since: number,
  others: readonly string[] = [],
): string[] {
  const script = `cd -- "$1" || exit ${nothingThere}; shift; exec find . -xdev "$@"`;
  return ['sh', '-c', script, 'sh', path, ...pruned(exclude), ...without(others), ...scanned(since)];
}

/** Is there anything in it, also of what a scan does not enter? */
export function anythingCommand(path: string): string[] {
  const script = `cd -- "$1" && test -n "$(find . -mindepth 1 -maxdepth 1 -print -quit)" || exit ${nothingThere}`;
  return ['sh', '-c', script, 'sh', path];
}

function scanned(since: number): string[] {
  const changed = ['-newerct', `@${since}`, '-printf', `C${seenFormat}`];
  const directory = ['-type', 'd', '-printf', 'D %D:%i %p\\0'];
  const linked = ['-links', '+1', '-printf', `L${seenFormat}`];
  return ['-printf', '.', '(', ...changed, '-o', ...directory, '-o', ...linked, ')'];
}

const atPlaces = 'cd -- "$1" && exec xargs -0 -r sh -c "$2" sh';

const standing = `for at; do
  shift; up=$at
  while [ "$up" != . ] && [ ! -L "$up" ]; do up=\${up%/*}; done
  if [ "$up" = . ] && [ -d "$at" ]; then set -- "$@" "$at"; fi
done
[ $# -gt 0 ] || exit 0
`;

/**
 * The same for the directories on stdin (`./a/b`, NUL-separated), which that walk leaves out. One that is gone, is no
 * directory any more, or lies behind a symbolic link by now is not entered: the other walk sees what is in its place.
 */
export function scanOfCommand(path: string, exclude: readonly string[], since: number): string[] {
  const find = `${standing}exec find "$@" ${quoteArgv(['-xdev', ...pruned(exclude), ...scanned(since)])}`;
  return ['sh', '-c', atPlaces, 'sh', path, find];
}

/** `find` at the places named on stdin (`.` or `./name`, NUL-separated). */
function findAt(path: string, expression: readonly string[]): string[] {
  const find = `exec find "$@" ${quoteArgv(expression)}`;
  return ['sh', '-c', atPlaces, 'sh', path, find];
}

const depths = {
  itself: ['-maxdepth', '0'],
  children: ['-mindepth', '1', '-maxdepth', '1'],
  whole: [],
} as const;

/** How far a listing goes below the names it is given. */
export type Depth = keyof typeof depths;

const formats = { seen: seenFormat, kind: kindFormat } as const;

/** What is to be told of an entry: all of it, or only its type. */
export type Format = keyof typeof formats;

function listing(exclude: readonly string[], depth: Depth, format: Format): string[] {
  return ['-xdev', ...depths[depth], ...pruned(exclude), '-printf', formats[format]];
}

/** What is at, or below, the places named on stdin; in `seenFormat`. */
export function listCommand(path: string, exclude: readonly string[], depth: Depth): string[] {
  return findAt(path, listing(exclude, depth, 'seen'));
}

/**
 * Several listings by one command, for each is a connection and half a dozen processes. stdin: a line with the bytes of the
 * places of each, then these. stdout: what each has found, and an empty record at its end.
 */
export function listingsCommand(
  path: string,
  exclude: readonly string[],
  listings: readonly { readonly depth: Depth; readonly format: Format }[],
): string[] {
  const finds = listings.map(
    ({ depth, format }) => `exec find "$@" ${quoteArgv(listing(exclude, depth, format))}`,
  );
  return ['sh', '-c', listingsScript, 'sh', path, ...finds];
}

const listingsScript = `cd -- "$1" && read -r sizes || exit
shift; ended=0
for size in $sizes; do
  if [ "$size" -gt 0 ]; then head -c "$size" | xargs -0 -r sh -c "$1" sh || ended=$?; fi
  printf '\\0'; shift
done
exit $ended`;

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
