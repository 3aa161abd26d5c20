/** type, mode, owner, group, size, mtime, ctime, links, inode, device; then the path and the link's target, each ended by NUL. */
export const metadataFormat = '%y %m %U %G %s %T@ %C@ %n %i %D\\0%P\\0%l\\0';

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
  return ['sh', '-c', `cd -- "$1" && shift && ${script}`, 'sh', path, ...positional];
}

/** Metadata of every entry below `path`, itself included. Answers on stdout in `metadataFormat`. */
export function metadataCommand(path: string, exclude: readonly string[]): string[] {
  return inside(path, 'exec find . "$@"', ...pruned(exclude), '-printf', metadataFormat);
}

/** Device numbers of the device nodes below `path`: `device:inode major:minor`, ended by NUL. */
export function deviceCommand(path: string, exclude: readonly string[]): string[] {
  const isDevice = ['(', '-type', 'b', '-o', '-type', 'c', ')'];
  const stat = ['-execdir', 'stat', '--printf', '%d:%i %t:%T\\0', '--', '{}', '+'];
  return inside(path, 'exec find . "$@"', ...pruned(exclude), ...isDevice, ...stat);
}

/** SHA-256 of the files named on stdin (relative, NUL-separated): `hex  ./name`, ended by NUL. */
export function digestCommand(path: string): string[] {
  return inside(path, 'exec xargs -0 -r sha256sum -z --');
}

/** Time, size and name of the files named on stdin (relative, NUL-separated): `mtime size ./name`, ended by NUL. */
export function stampCommand(path: string): string[] {
  return inside(path, 'exec xargs -0 -r stat --printf "%.9Y %s %n\\0" --');
}

/** Attributes of the entries named on stdin (relative, NUL-separated). */
export function attributesCommand(path: string): string[] {
  return inside(path, 'exec xargs -0 -r getfattr -h -d -m - -e hex --');
}

/**
 * The same two for paths that are too long to be opened by their whole name: found by inode, opened from their own
 * directory. Each answer is preceded by a line `device:inode`.
 */
export function longDigestCommand(path: string, inodes: readonly string[]): string[] {
  return inside(
    path,
    'exec find . "$@"',
    ...byInode(inodes),
    '-printf',
    '%D:%i ',
    '-execdir',
    'sha256sum',
    '-z',
    '--',
    '{}',
    ';',
  );
}

export function longAttributesCommand(path: string, inodes: readonly string[]): string[] {
  const getfattr = ['-execdir', 'getfattr', '-h', '-d', '-m', '-', '-e', 'hex', '--', '{}', ';'];
  return inside(path, 'exec find . "$@"', ...byInode(inodes), '-printf', '# inode: %D:%i\\n', ...getfattr);
}

function byInode(inodes: readonly string[]): string[] {
  const tests = inodes.flatMap((inode, index) => [
    ...(index === 0 ? [] : ['-o']),
    '-inum',
    inode.split(':')[1] as string,
  ]);
  return ['(', ...tests, ')'];
}
