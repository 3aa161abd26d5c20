import { sshError } from '../ssh/errors.ts';
import { type AddDifference, compareEntry, type Difference, difference } from './compare-entry.ts';
import { compareLinks } from './compare-links.ts';
import type { Sides } from './compare-trees.ts';
import type { DigestAlgorithm } from './digest.ts';
import type { Entry } from './manifest.ts';
import { longestName } from './manifest-command.ts';
import { orderKey } from './manifest-line.ts';
import { printableName } from './name.ts';
import { openReader, type ReadListed, readListed } from './read-listed.ts';
import { together } from './together.ts';

/** Names that have the same end of writing. */
export interface Part {
  readonly names: readonly string[];
  /** Nothing writes to them on the target any more. */
  readonly written: Promise<unknown>;
}

/** What is at work for one comparison before it begins. */
export interface Readers {
  readonly algorithm: DigestAlgorithm;
  /**
   * A source at rest is read at once; of the target what nothing writes to any more. Once.
   * @param parts all names of the comparison
   */
  begin(parts: readonly Part[]): void;
  /** Of `begin`. */
  has(path: string): boolean;
  readonly source: Promise<ReadListed>;
  readonly target: Promise<ReadListed>;
  /** How many entries were read, from now on, and at once those before. */
  hear(onEntries: (count: number) => void): void;
  /** Gives them up. */
  close(): void;
}

/** So many parts of the target do not wait for a process of their own. */
const partsAtOnce = 2;

/** Opens them while something else is waited for: a process and its connection take their time. */
export function openReaders(sides: Sides, algorithm: DigestAlgorithm, signal: AbortSignal): Readers {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let read = 0;
  let tell: ((count: number) => void) | undefined;
  const onEntries = (count: number) => {
    read += count;
    tell?.(count);
  };
  const options = { signal: either, onEntries };
  const begun = Promise.withResolvers<readonly Part[]>();
  const over = Promise.withResolvers<never>();
  const giveUp = () => over.reject(givenUp(sides));
  either.addEventListener('abort', giveUp, { once: true });
  if (either.aborted) giveUp();
  const begins = Promise.race([begun.promise, over.promise]);
  const ofSource = openReader(sides.source, algorithm, either);
  const ofTarget = Array.from({ length: partsAtOnce }, () => openReader(sides.target, algorithm, either));
  let names: ReadonlySet<string> = new Set();
  const source = begins.then(() =>
    readListed(sides.source, [...names], algorithm, { ...options, reader: ofSource }),
  );
  const readPart = async ({ names, written }: Part, index: number) => {
    await Promise.race([written, over.promise]);
    return readListed(sides.target, pathsOf(names), algorithm, { ...options, reader: ofTarget[index] });
  };
  const target = begins.then(async (parts) => {
    for (const unused of ofTarget.slice(parts.length)) unused.close();
    const all = await Promise.all(parts.map(readPart));
    return {
      entries: new Map(all.flatMap(({ entries }) => [...entries])),
      attributesKnown: all.every(({ attributesKnown }) => attributesKnown),
    };
  });
  for (const one of [over.promise, source, target]) one.catch(() => {});
  return {
    algorithm,
    begin(parts) {
      names = new Set(pathsOf(parts.flatMap((part) => part.names)));
      begun.resolve(parts);
    },
    has: (path) => names.has(path),
    source,
    target,
    hear(listener) {
      tell = listener;
      listener(read);
    },
    close: () => stop.abort(),
  };
}

const givenUp = ({ source, target }: Sides) =>
  sshError('ssh/aborted', {
    seen: `the comparison of ${source.path} on ${source.host.name} with ${target.path} on ${target.host.name} was given up`,
    next: ['drayage status'],
  });

const pathsOf = (names: readonly string[]) => [...new Set(names.map((name) => (name === '.' ? '' : name)))];

export interface ListedOptions {
  readonly algorithm: DigestAlgorithm;
  /** As for `compareManifests`. */
  readonly topIsShare: boolean;
  /** Name -> `device:inode` that an earlier look saw on the source: what is another file now, or none, is a difference. */
  readonly inodes?: ReadonlyMap<string, string>;
  /** Opened before, for the same names. */
  readonly readers?: Readers | undefined;
  readonly signal?: AbortSignal;
  /** Names looked at, both sides together. */
  readonly progress?: (names: { readonly done: number; readonly total: number }) => void;
}

export interface ListedCompared {
  readonly differences: readonly Difference[];
  /** Names that the source has. */
  readonly entries: number;
  /** Of these, regular files that were read, and their bytes. */
  readonly filesRead: number;
  readonly bytesRead: number;
  readonly attributesCompared: boolean;
}

/**
 * Compares exactly these names (relative, bytes as latin1; `''` or `.` is the top) in metadata, content, attributes
 * and the hard links among them. A name that is on neither side is equal, unless `inodes` has it. One command per side, both at once; a file
 * that changes while it is read is a difference, not an error.
 * @throws verify/unreadable, verify/unreadable-output
 */
export async function compareListed(
  sides: Sides,
  names: readonly string[],
  options: ListedOptions,
): Promise<ListedCompared> {
  const { algorithm, readers } = options;
  const paths = pathsOf(names);
  const unread = readers && paths.find((path) => !readers.has(path));
  if (unread !== undefined) throw new Error(`${printableName(unread)} is to be compared, and is not read`);
  let done = 0;
  const onEntries = (count: number) => {
    done += count;
    options.progress?.({ done: Math.floor(done / 2), total: paths.length });
  };
  const [source, target] = await together(options.signal, (signal) => {
    if (readers !== undefined) {
      readers.hear(onEntries);
      signal.addEventListener('abort', readers.close, { once: true });
      return Promise.all([readers.source, readers.target]);
    }
    return Promise.all([
      readListed(sides.source, paths, algorithm, { signal, onEntries }),
      readListed(sides.target, paths, algorithm, { signal, onEntries }),
    ]);
  });
  const attributesKnown = source.attributesKnown && target.attributesKnown;
  const differences: Difference[] = [];
  const add: AddDifference = (...parts) => differences.push(difference(...parts));
  const pairs: [string, Entry, Entry][] = [];
  let filesRead = 0;
  let bytesRead = 0;
  const order = (a: string, b: string) => (orderKey(a) < orderKey(b) ? -1 : 1);
  for (const path of paths.sort(order)) {
    if (path.length > longestName) {
      add(path, 'content', 'a name too long to be opened', 'a name too long to be opened');
      continue;
    }
    const left = source.entries.get(path);
    const right = target.entries.get(path);
    compareEntry(path, left, right, { topIsShare: options.topIsShare, attributesKnown, algorithm }, add);
    const seen = options.inodes?.get(path === '' && options.inodes.has('.') ? '.' : path);
    if (left === undefined) {
      // It may come back with the directory it is in, and look as old as before.
      if (seen !== undefined && right === undefined)
        add(path, 'missing', `nothing, where the scan saw inode ${seen}`, 'nothing');
      continue;
    }
    if (seen !== undefined && seen !== left.inode) {
      add(
        path,
        'content',
        `inode ${left.inode}, another file than inode ${seen} of the scan`,
        'a copy of either',
      );
    }
    if (left.type === 'f' && left.digest !== undefined) {
      filesRead += 1;
      bytesRead += left.size;
    }
    if (right !== undefined) pairs.push([path, left, right]);
  }
  compareLinks(pairs, add);
  return {
    differences,
    entries: source.entries.size,
    filesRead,
    bytesRead,
    attributesCompared: attributesKnown,
  };
}
