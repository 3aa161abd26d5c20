import type { MoveConfig } from '../../config/config.ts';
import { notData } from '../../copy/not-data.ts';

/**
 * Prints one NUL-terminated record for each entry below $1, except what is named after it: type, mode, owner, group,
 * and for all but directories size and mtime, then `$fields`, then the name. Sockets are never copied.
 */
const list = [
  'list() {',
  '  cd -- "$1" || exit 1',
  '  shift',
  '  for name do set -- "$@" -path "./$name" -prune -o; shift; done',
  `  find . -xdev -mindepth 1 "$@" ! -type s '(' -type d -printf "%y %m %U %G - - $fields %p\\0" -o -printf "%y %m %U %G %s %T@ $fields %p\\0" ')' | LC_ALL=C sort -z`,
  '}',
].join('\n');

/** `-path` of find reads a pattern. */
function literal(path: string): string {
  return path.replace(/[*?[\\]/g, '\\$&');
}

function behind(move: MoveConfig, exclude: readonly string[]): string[] {
  return [...exclude, ...(move.to.as === '.' ? notData : [])].map(literal);
}

/**
 * A digest of the names and metadata of a tree, without contents: two trees of one copy have the same.
 * @param fields further ones, as find prints them: with `%i %C@` the same tree has the same only while nothing is done to it
 */
export function listingDigest(
  move: MoveConfig,
  path: string,
  exclude: readonly string[],
  fields: '-' | '%i %C@' = '-',
): string[] {
  const script = `fields='${fields}'\n${list}\ntest -d "$1" || exit 1\nlist "$@" | sha256sum | cut -d ' ' -f 1`;
  return ['sh', '-c', script, 'sh', path, ...behind(move, exclude)];
}

/**
 * What two states of one file system do not have in common, by inode and change time too: records of `before` alone,
 * and, with a tab in front, those of `now` alone. The list is whole: whatever is done to an entry changes its ctime, and
 * what takes its place has another inode. Needs bash, which every Proxmox VE node has.
 * @param most records to print at most; absent: all
 */
export function listingDifference(
  move: MoveConfig,
  states: { readonly before: string; readonly now: string },
  exclude: readonly string[],
  most?: number,
): string[] {
  const some = most === undefined ? '' : ` | head -z -n ${most}`;
  const script = `fields='%i %C@'\n${list}\nbefore=$1 now=$2\nshift 2\ntest -d "$before" && test -d "$now" || exit 1\nLC_ALL=C comm -z -3 <(list "$before" "$@") <(list "$now" "$@")${some}`;
  return ['bash', '-c', script, 'bash', states.before, states.now, ...behind(move, exclude)];
}
