import { type DigestAlgorithm, digestTool } from './digest.ts';

/** PATH_MAX is 4096 with the ending NUL; `./` goes before each name. */
export const longestName = 4093;

/** After the path: type, mode, owner, group, size, mtime, ctime, links, inode, device; then the link's target. */
const fields = '%y %m %U %G %s %T@ %C@ %n %i %D//%l\\0';
/** The path never holds `//`: what follows tells the kind of record, 0 here. */
export const metadataFormat = `%P//0${fields}`;
/** The same where find is given the names themselves. */
const listedFormat = `%p//0${fields}`;

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

/** A script that goes into the directory first, so that names are relative and only their own length counts. */
function inside(path: string, script: string, ...positional: readonly string[]): string[] {
  const full = `LC_ALL=C; export LC_ALL; cd -- "$1" && shift && ${script}`;
  return ['sh', '-c', full, 'sh', path, ...positional];
}

/** The time on the machine, in seconds, and whether it has getfattr: `getfattr` on a second line. */
export const probeCommand = ['sh', '-c', 'date +%s.%N; command -v getfattr >/dev/null && echo getfattr'];

/** Metadata of every entry below `path`, itself included. Answers on stdout in `metadataFormat`. */
export function metadataCommand(path: string, exclude: readonly string[]): string[] {
  return inside(path, 'exec find . -xdev "$@"', ...pruned(exclude), '-printf', metadataFormat);
}

/** Device numbers of the device nodes below `path`: `device:inode major:minor`, ended by NUL. */
export function deviceCommand(path: string, exclude: readonly string[]): string[] {
  const isDevice = ['(', '-type', 'b', '-o', '-type', 'c', ')'];
  const stat = ['-execdir', 'stat', '--printf', '%d:%i %t:%T\\0', '--', '{}', '+'];
  return inside(path, 'exec find . "$@"', ...pruned(exclude), ...isDevice, ...stat);
}

/**
 * Digests of the files named on stdin (relative, NUL-separated), in their order.
 * @param batch names per run of the tool: when as many have come, they are read
 */
export function digestCommand(path: string, algorithm: DigestAlgorithm, batch: number): string[] {
  return inside(path, 'exec xargs -0 -r -n "$@"', String(batch), ...digestTool(algorithm), '--');
}

/** Time, size and name of the files named on stdin (relative, NUL-separated): `mtime size ./name`, ended by NUL. */
export function stampCommand(path: string): string[] {
  return inside(path, 'exec xargs -0 -r stat --printf "%.9Y %s %n\\0" --');
}

const getfattr = ['getfattr', '-h', '-d', '-m', '-', '-e', 'hex', '--'];

/** Attributes of every entry below `path` whose name is not too long; entries without any are not printed. */
export function attributesCommand(path: string, exclude: readonly string[]): string[] {
  const tooLong = `${'?'.repeat('./'.length + longestName + 1)}*`;
  return inside(
    path,
    `find . -xdev "$@" -print0 | xargs -0 -r ${getfattr.join(' ')}`,
    ...pruned(exclude),
    '!',
    '-path',
    tooLong,
  );
}

/**
 * The same two for paths that are too long to be opened by their whole name: found by inode, opened from their own
 * directory. Each answer is preceded by `device:inode`.
 */
export function longDigestCommand(
  path: string,
  algorithm: DigestAlgorithm,
  inodes: readonly string[],
): string[] {
  const read = ['sh', '-c', 'file=$1; shift; exec "$@" <"$file"', 'sh', '{}', ...digestTool(algorithm), ';'];
  return inside(path, 'exec find . "$@"', ...byInode(inodes), '-printf', '%D:%i ', '-execdir', ...read);
}

export function longAttributesCommand(path: string, inodes: readonly string[]): string[] {
  const read = ['-execdir', ...getfattr, '{}', ';'];
  return inside(path, 'exec find . "$@"', ...byInode(inodes), '-printf', '# inode: %D:%i\\n', ...read);
}

function byInode(inodes: readonly string[]): string[] {
  const tests = inodes.flatMap((inode, index) => [
    ...(index === 0 ? [] : ['-o']),
    '-inum',
    inode.split(':')[1] as string,
  ]);
  return ['(', ...tests, ')'];
}

/**
 * All about exactly the entries named on stdin (relative, NUL-separated), up to 2,000 at a time: each such group takes half a
 * dozen processes. For each of these groups four parts, each ended by an empty record or, the last two, by NUL: metadata in `listedFormat`; device
 * numbers as `deviceCommand` prints them; digests of the regular files in order; attributes (`none`: no getfattr).
 * A name that is not there is a complaint of find and no more. Until it is told names it is not in the
 * directory: it may wait while others look who is.
 */
export function listedCommand(path: string, algorithm: DigestAlgorithm): string[] {
  const script = `cd -- "$1" || exit 2
shift
find "$@" -maxdepth 0 -printf '${listedFormat}'; [ $? -le 1 ] || exit 2
printf '\\0'
find "$@" -maxdepth 0 '(' -type b -o -type c ')' -exec stat --printf '%d:%i %t:%T\\0' -- {} + 2>/dev/null
printf '\\0'
find "$@" -maxdepth 0 -type f -print0 2>/dev/null | xargs -0 -r ${digestTool(algorithm).join(' ')} --
printf '\\0'
if command -v getfattr >/dev/null; then ${getfattr.join(' ')} "$@"; else printf none; fi
printf '\\0'`;
  const full = 'LC_ALL=C; export LC_ALL; xargs -0 -r -n 2000 sh -c "$2" sh "$1" && test -d "$1"';
  return ['sh', '-c', full, 'sh', path, script];
}
