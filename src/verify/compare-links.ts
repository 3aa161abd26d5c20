import type { AddDifference } from './compare-entry.ts';
import type { Entry } from './manifest.ts';
import { printableName } from './name.ts';

interface Group {
  readonly inode: string;
  readonly path: string;
  /** Names of it that are still to come. */
  left: number;
}

/**
 * Names that are one file on one side must be one file on the other: the pairs of inodes must be one to one. A group
 * is kept only until the last of its names has come.
 */
export function linkComparison(add: AddDifference) {
  const forward = new Map<string, Group>();
  const backward = new Map<string, Group>();
  const note = (map: Map<string, Group>, from: Entry, to: Entry, path: string) => {
    const group = map.get(from.inode);
    if (group === undefined) {
      if (from.links > 1) map.set(from.inode, { inode: to.inode, path, left: from.links - 1 });
    } else if (group.left === 1) map.delete(from.inode);
    else group.left -= 1;
  };
  /** Takes the entries of a name that both sides have, in order. */
  return (path: string, left: Entry, right: Entry): void => {
    if (left.type === 'd' || left.type !== right.type || (left.links < 2 && right.links < 2)) return;
    const there = forward.get(left.inode);
    const here = backward.get(right.inode);
    if (there !== undefined && there.inode !== right.inode) {
      add(path, 'hard-links', `same file as ${printableName(there.path)}`, 'a file of its own');
    } else if (here !== undefined && here.inode !== left.inode) {
      add(path, 'hard-links', 'a file of its own', `same file as ${printableName(here.path)}`);
    }
    note(forward, left, right, path);
    note(backward, right, left, path);
  };
}
