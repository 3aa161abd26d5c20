import type { Entry, Manifest } from './manifest.ts';
import { printableName } from './name.ts';

export type DifferenceKind =
  | 'content'
  | 'mode'
  | 'owner'
  | 'mtime'
  | 'acl'
  | 'xattr'
  | 'type'
  | 'link-target'
  | 'hard-links'
  | 'missing'
  | 'unexpected'
  | 'device';

/** One thing that is not the same on both sides. `path` and values are for people (see printableName). */
export interface Difference {
  readonly path: string;
  readonly what: DifferenceKind;
  readonly source: string;
  readonly target: string;
}

export interface Comparison {
  readonly differences: Difference[];
  /** Sockets of the source: they belong to a running process, and are neither compared nor missed. */
  readonly sockets: string[];
}

export interface CompareOptions {
  /** The target is the top of a share: owner, mode and time of the top belong to the share, not to the move. */
  readonly topIsShare: boolean;
}

/** Pure: what differs between two trees. Times of directories are compared to the second, all others to the nanosecond. */
export function compareManifests(source: Manifest, target: Manifest, options: CompareOptions): Comparison {
  const differences: Difference[] = [];
  const sockets: string[] = [];
  const attributesKnown = source.attributesKnown && target.attributesKnown;
  const add = (path: string, what: DifferenceKind, here: string, there: string) =>
    differences.push({ path: path === '' ? '.' : printableName(path), what, source: here, target: there });
  const linked: { path: string; left: Entry; right: Entry }[] = [];
  for (const [path, left] of source.entries) {
    if (left.type === 's') {
      sockets.push(printableName(path));
      continue;
    }
    const right = target.entries.get(path);
    if (right === undefined) {
      add(path, 'missing', describe(left), 'nothing');
      continue;
    }
    if (left.type !== right.type) {
      add(path, 'type', describe(left), describe(right));
      continue;
    }
    const ownTop = path === '' && options.topIsShare;
    if (!ownTop) compareMetadata(path, left, right, add);
    compareContent(path, left, right, add);
    if (attributesKnown && !ownTop)
      compareAttributes(path, left.attributes ?? {}, right.attributes ?? {}, add);
    if (left.type !== 'd' && (left.links > 1 || right.links > 1)) linked.push({ path, left, right });
  }
  compareLinks(linked, add);
  for (const [path, right] of target.entries) {
    if (!source.entries.has(path) && right.type !== 's') add(path, 'unexpected', 'nothing', describe(right));
  }
  // Directories are listed in no order: the same trees give the same list.
  return {
    differences: differences.sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path))),
    sockets: sockets.sort(),
  };
}

type Add = (path: string, what: DifferenceKind, source: string, target: string) => void;

const typeNames: Readonly<Record<Entry['type'], string>> = {
  f: 'file',
  d: 'directory',
  l: 'symbolic link',
  p: 'fifo',
  s: 'socket',
  b: 'block device',
  c: 'character device',
};

function describe(entry: Entry): string {
  return entry.type === 'f' ? `file of ${entry.size} bytes` : typeNames[entry.type];
}

function compareMetadata(path: string, left: Entry, right: Entry, add: Add): void {
  // A symbolic link has no mode of its own on Linux.
  if (left.type !== 'l' && left.mode !== right.mode) add(path, 'mode', left.mode, right.mode);
  if (left.uid !== right.uid || left.gid !== right.gid) {
    add(path, 'owner', `${left.uid}:${left.gid}`, `${right.uid}:${right.gid}`);
  }
  const same =
    left.type === 'd' ? left.mtime.split('.')[0] === right.mtime.split('.')[0] : left.mtime === right.mtime;
  if (!same) add(path, 'mtime', left.mtime, right.mtime);
}

function compareContent(path: string, left: Entry, right: Entry, add: Add): void {
  if (left.type === 'l' && left.link !== right.link) {
    add(path, 'link-target', printableName(left.link ?? ''), printableName(right.link ?? ''));
  }
  if (left.device !== right.device) add(path, 'device', left.device ?? 'none', right.device ?? 'none');
  if (left.type !== 'f') return;
  if (left.size !== right.size) add(path, 'content', `${left.size} bytes`, `${right.size} bytes`);
  else if (left.digest !== right.digest) {
    add(path, 'content', `sha256 ${left.digest ?? 'not read'}`, `sha256 ${right.digest ?? 'not read'}`);
  }
}

function compareAttributes(
  path: string,
  left: Readonly<Record<string, string>>,
  right: Readonly<Record<string, string>>,
  add: Add,
): void {
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (left[name] === right[name]) continue;
    const what = name.startsWith('system.posix_acl_') ? 'acl' : 'xattr';
    const shown = (value: string | undefined) =>
      `${printableName(name)} ${value === undefined ? 'absent' : `0x${value}`}`;
    add(path, what, shown(left[name]), shown(right[name]));
  }
}

/** Names that are one file on one side must be one file on the other: the pairs of inodes must be one to one. */
function compareLinks(linked: { path: string; left: Entry; right: Entry }[], add: Add): void {
  const forward = new Map<string, { inode: string; path: string }>();
  const backward = new Map<string, { inode: string; path: string }>();
  linked.sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, left, right } of linked) {
    const there = forward.get(left.inode);
    const here = backward.get(right.inode);
    if (there !== undefined && there.inode !== right.inode) {
      add(path, 'hard-links', `same file as ${printableName(there.path)}`, 'a file of its own');
    } else if (here !== undefined && here.inode !== left.inode) {
      add(path, 'hard-links', 'a file of its own', `same file as ${printableName(here.path)}`);
    } else {
      forward.set(left.inode, { inode: right.inode, path: there?.path ?? path });
      backward.set(right.inode, { inode: left.inode, path: here?.path ?? path });
    }
  }
}
