import type { DigestAlgorithm } from './digest.ts';
import type { Attributes, Entry } from './manifest.ts';
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
  /** The same path as bytes (latin1), relative to the top; `''` is the top itself. */
  readonly name: string;
  readonly what: DifferenceKind;
  readonly source: string;
  readonly target: string;
}

/** Takes one difference; the first argument is the path as bytes. */
export type AddDifference = (path: string, what: DifferenceKind, source: string, target: string) => void;

export function difference(path: string, what: DifferenceKind, source: string, target: string): Difference {
  return { path: path === '' ? '.' : printableName(path), name: path, what, source, target };
}

export interface EntryRules {
  /** The target is the top of a share: owner, mode and time of the top belong to the share, not to the move. */
  readonly topIsShare: boolean;
  /** Both sides could tell their ACLs, xattrs and capabilities. */
  readonly attributesKnown: boolean;
  readonly algorithm: DigestAlgorithm;
}

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

/**
 * What differs between two entries of one path, but for hard links. Times of directories are compared to the second,
 * all others to the nanosecond. A socket belongs to a running process: it is neither compared nor missed, but what has
 * its name on the target must be one.
 */
export function compareEntry(
  path: string,
  left: Entry | undefined,
  right: Entry | undefined,
  rules: EntryRules,
  add: AddDifference,
): void {
  if (left === undefined) {
    if (right !== undefined && right.type !== 's') add(path, 'unexpected', 'nothing', describe(right));
    return;
  }
  if (right === undefined) {
    if (left.type !== 's') add(path, 'missing', describe(left), 'nothing');
    return;
  }
  if (left.type !== right.type) {
    add(path, 'type', describe(left), describe(right));
    return;
  }
  if (left.type === 's') return;
  const ownTop = path === '' && rules.topIsShare;
  if (!ownTop) compareMetadata(path, left, right, add);
  compareContent(path, left, right, rules.algorithm, add);
  if (rules.attributesKnown && !ownTop) {
    compareAttributes(path, left.attributes ?? {}, right.attributes ?? {}, add);
  }
}

function compareMetadata(path: string, left: Entry, right: Entry, add: AddDifference): void {
  // A symbolic link has no mode of its own on Linux.
  if (left.type !== 'l' && left.mode !== right.mode) add(path, 'mode', left.mode, right.mode);
  if (left.uid !== right.uid || left.gid !== right.gid) {
    add(path, 'owner', `${left.uid}:${left.gid}`, `${right.uid}:${right.gid}`);
  }
  const same =
    left.type === 'd' ? left.mtime.split('.')[0] === right.mtime.split('.')[0] : left.mtime === right.mtime;
  if (!same) add(path, 'mtime', left.mtime, right.mtime);
}

function compareContent(
  path: string,
  left: Entry,
  right: Entry,
  algorithm: DigestAlgorithm,
  add: AddDifference,
): void {
  if (left.type === 'l' && left.link !== right.link) {
    add(path, 'link-target', printableName(left.link ?? ''), printableName(right.link ?? ''));
  }
  if (left.device !== right.device) add(path, 'device', left.device ?? 'none', right.device ?? 'none');
  if (left.type !== 'f') return;
  if (left.size !== right.size) add(path, 'content', `${left.size} bytes`, `${right.size} bytes`);
  // What was not read on a side is not taken for equal, even where it was read on neither.
  else if (left.digest === undefined || left.digest !== right.digest) {
    const shown = (digest: string | undefined) =>
      digest === undefined ? 'not read' : `${algorithm} ${digest}`;
    add(path, 'content', shown(left.digest), shown(right.digest));
  }
}

function compareAttributes(path: string, left: Attributes, right: Attributes, add: AddDifference): void {
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (left[name] === right[name]) continue;
    const what = name.startsWith('system.posix_acl_') ? 'acl' : 'xattr';
    const shown = (value: string | undefined) =>
      `${printableName(name)} ${value === undefined ? 'absent' : `0x${value}`}`;
    add(path, what, shown(left[name]), shown(right[name]));
  }
}
