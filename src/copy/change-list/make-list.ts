import type { Kind, Seen } from './look.ts';
import { ancestors, hasAncestorIn } from './names.ts';

type Listing = ReadonlyMap<string, Seen>;

/** What was looked at, on both sides. Keys are names relative to the top, '' the top itself; latin1. */
export interface Looked {
  /** The source's entries that must be carried: by ctime, below a fresh directory, or pending. */
  readonly carry: Listing;
  /** More of the source that exists and needs no carrying: what else is in a changed directory. */
  readonly present: Listing;
  /** The target's entries at all the places that were listed on the source. */
  readonly target: ReadonlyMap<string, Kind>;
}

/**
 * Inodes of which `carry` holds some names and not all: their other names must go to the same rsync, or the links break.
 * @param changed what the scan named by ctime: there an inode is named with all its names, whatever others it has elsewhere
 */
export function halfLinked(carry: Listing, changed: Listing): Set<string> {
  const complete = new Set([...changed.values()].map(({ inode }) => inode));
  const missing = new Map<string, number>();
  for (const { type, inode, links } of carry.values()) {
    if (type !== 'd' && links > 1 && !complete.has(inode))
      missing.set(inode, (missing.get(inode) ?? links) - 1);
  }
  return new Set([...missing].filter(([, count]) => count > 0).map(([inode]) => inode));
}

/**
 * Which files of a list rsync may write into where they are: on both sides a file of one name, so that no other name
 * changes with it, and none with holes, which `--inplace` would not make. Each directory above it must be one on the target
 * already: through a link in its place, another file would be written into.
 * @param target as it was seen for this pass, what is above the files included; what it lacks is not written in place
 * @returns their sizes in bytes
 */
export function inPlace(carry: Listing, target: Listing): Map<string, number> {
  const files = new Map<string, number>();
  for (const [name, { file, links }] of carry) {
    const there = target.get(name);
    if (file === undefined || file.sparse || links !== 1) continue;
    const above = [...ancestors(name)].every((directory) => target.get(directory)?.type === 'd');
    if (above && there?.type === 'f' && there.links === 1) files.set(name, file.size);
  }
  return files;
}

/** What one file costs beside the bytes in it, in bytes: measured, a third of a millisecond. */
const bytesPerFile = 200_000;

/** Two lists that take about as long as each other, for two rsyncs at once. */
export function halves(files: ReadonlyMap<string, number>): [string[], string[]] {
  const parts: [string[], string[]] = [[], []];
  const costs = [0, 0];
  for (const [name, size] of [...files].sort(([, one], [, other]) => other - one)) {
    const least = (costs[0] as number) <= (costs[1] as number) ? 0 : 1;
    parts[least].push(name);
    costs[least] = (costs[least] as number) + size + bytesPerFile;
  }
  return parts;
}

export interface ChangeList {
  /** For rsync, sorted: directories before what is in them. */
  readonly names: string[];
  /** Names of the target that the source does not have; only the topmost. All of them are in `names`. */
  readonly gone: string[];
  /** Directories of the target whose whole content goes: among `gone`, or where something else takes their place. */
  readonly emptied: string[];
  /** The top's own metadata changed, or changes with what is carried into it; a directory that comes into it is a change of its own. The top is not in `names`. */
  readonly top: boolean;
}

/** Pure: the names of one pass. */
export function makeList({ carry, present, target }: Looked): ChangeList {
  const onSource = (name: string) => carry.get(name) ?? present.get(name);
  const gone = new Set<string>();
  const replaced = new Set<string>();
  // A name sorts after every directory above it.
  for (const name of [...target.keys()].sort()) {
    if (hasAncestorIn(name, gone) || hasAncestorIn(name, replaced)) continue;
    const source = onSource(name);
    if (source === undefined) {
      // Below something that is no directory on the source, rsync could not even ask for it.
      if (![...ancestors(name)].some((above) => (onSource(above)?.type ?? 'd') !== 'd')) gone.add(name);
    } else if (source.type !== 'd' && target.get(name)?.type === 'd') replaced.add(name);
  }
  const names = [...new Set([...carry.keys(), ...gone])].filter((name) => name !== '').sort();
  return {
    names,
    top: carry.has('') || names.some((name) => !name.includes('/') && carry.get(name)?.type !== 'd'),
    gone: [...gone],
    emptied: [...[...gone].filter((name) => target.get(name)?.type === 'd'), ...replaced],
  };
}
