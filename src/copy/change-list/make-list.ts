import type { Seen } from './look.ts';
import { ancestors, hasAncestorIn } from './names.ts';

type Listing = ReadonlyMap<string, Seen>;

/** What was looked at, on both sides. Keys are names relative to the top, '' the top itself; latin1. */
export interface Looked {
  /** The source's entries that must be carried: by ctime, below a fresh directory, or pending. */
  readonly carry: Listing;
  /** More of the source that exists and needs no carrying: what else is in a changed directory. */
  readonly present: Listing;
  /** The target's entries at all the places that were listed on the source. */
  readonly target: Listing;
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
