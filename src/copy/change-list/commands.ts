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

/** What a command ends with when the path is no directory, or has nothing in it: no exit code of find or xargs. */
export const nothingThere = 3;

/** type, device:inode, names, blocks of 512 bytes, size, path; ended by NUL. */
const seenFormat = '%y %D:%i %n %b %s %p\\0';
/** type, path; ended by NUL. Most file systems tell the type with the name: find need not ask for the inode. */
const kindFormat = '%y %p\\0';

/**
 * One walk over the tree, by metadata alone, but not into the directories it is given after the top (`./a/b`, without
 * characters that are special in a pattern): another walk goes through them. A dot per entry; after it, for what has a ctime
 * later than `since` (seconds since the epoch), `C`, its `seenFormat`; for every other directory `D device:inode path`, and
 * for what else has several names `L`, its `seenFormat`; all ended by NUL.
 */
export function scanAll(exclude: readonly string[], since: number): string {
  return `${others}exec find . -xdev "$@" ${quoteArgv([...pruned(exclude), ...scanned(since)])}`;
}

const others = `shift
for at; do shift; set -- "$@" -path "$at" -o; done
[ $# -eq 0 ] || set -- -type d '(' "$@" -false ')' -prune -o
`;

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
 * The same, of the directories which that walk leaves out. One that is gone, is no directory any more, or lies behind a
 * symbolic link by now is not entered: the other walk sees what is in its place.
 */
export function scanOf(exclude: readonly string[], since: number): string {
  return standing + findAt(['-xdev', ...pruned(exclude), ...scanned(since)]);
}

/** A script that is given places, `.` or `./name`. */
function findAt(expression: readonly string[]): string {
  return `exec find "$@" ${quoteArgv(expression)}`;
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

/** What is at, or below, places. */
export function listing(exclude: readonly string[], depth: Depth, format: Format): string {
  return findAt(['-xdev', ...depths[depth], ...pruned(exclude), '-printf', formats[format]]);
}

/** A dot for each entry below directories. */
export const counting = findAt(['-mindepth', '1', '-printf', '.']);

/** What is at, or below, the places named on stdin (NUL-separated); in `seenFormat`. */
export function listCommand(path: string, exclude: readonly string[], depth: Depth): string[] {
  return ['sh', '-c', atPlaces, 'sh', path, listing(exclude, depth, 'seen')];
}

/**
 * Several looks by one command, for each is a connection and half a dozen processes. Until the first is asked for, it is not
 * in the directory: it may wait while others look who is. stdin: for each, when it is its turn, a
 * line with the bytes of its places, and these, NUL-separated; it ends where no more are asked for. stdout: what each has
 * found, and at its end a record of nothing but dots, and `!` where find met an error (xargs: 123); anything worse ends it.
 */
export function questionsCommand(path: string, finds: readonly string[]): string[] {
  return ['sh', '-c', questionsScript, 'sh', path, ...finds];
}

const questionsScript = `top=$1; shift; ended=0
for find; do
  read -r size || break
  [ -z "$top" ] || cd -- "$top" || exit ${nothingThere}
  top=
  said=
  if [ "$size" -gt 0 ]; then head -c "$size" | xargs -0 -r sh -c "$find" sh || { ended=$?; [ "$ended" -eq 123 ] || exit "$ended"; said=!; }; fi
  printf '%s\\0' "$said"
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
