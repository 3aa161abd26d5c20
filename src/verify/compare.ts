import { dirname } from 'node:path';
import { type AddDifference, compareEntry, type Difference, difference } from './compare-entry.ts';
import { linkComparison } from './compare-links.ts';
import { verifyError } from './errors.ts';
import type { Entry } from './manifest.ts';
import { entryOf, type ManifestCursor, openManifest } from './manifest-file.ts';
import { hasLinks, isPlain, orderKey, pathToken, sameShared } from './manifest-line.ts';
import { printableName } from './name.ts';
import { listed } from './report.ts';
import { together } from './together.ts';
import { type TopCount, topCounter } from './tops.ts';

export interface Comparison {
  readonly differences: number;
  /** The first of them, at most a thousand, in the order of the manifests, hard links last. */
  readonly first: readonly Difference[];
  /** Sockets of the source, for people, at most a thousand: they are neither compared nor missed. */
  readonly sockets: readonly string[];
  /** What each directory at the top of the source holds, sockets left out. */
  readonly tops: readonly TopCount[];
  /** ACLs, xattrs and capabilities were compared; false where a side has no getfattr. */
  readonly attributesCompared: boolean;
}

export interface CompareOptions {
  /** The target is the top of a share: owner, mode and time of the top belong to the share, not to the move. */
  readonly topIsShare: boolean;
  /** Called for each difference, those beyond `first` included. */
  readonly onDifference?: (difference: Difference) => void;
}

/**
 * What differs between two manifest files, read side by side. Two lines that say the same in the part that both sides
 * must share are not even parsed.
 * @throws verify/manifest when one is not whole, or the algorithms are not the same
 */
export async function compareManifests(
  source: string,
  target: string,
  options: CompareOptions,
): Promise<Comparison> {
  const [left, right] = await Promise.all([openManifest(source), openManifest(target)]);
  try {
    return await together(undefined, (signal) =>
      compareCursors(source, left, target, right, options, signal),
    );
  } finally {
    left.close();
    right.close();
  }
}

async function compareCursors(
  source: string,
  left: ManifestCursor,
  target: string,
  right: ManifestCursor,
  options: CompareOptions,
  signal: AbortSignal,
): Promise<Comparison> {
  const { algorithm } = left.header;
  if (algorithm !== right.header.algorithm) {
    throw verifyError('verify/manifest', {
      seen: `${source} has digests by ${algorithm}, ${target} by ${right.header.algorithm}`,
      next: ['drayage verify   # takes both manifests anew'],
    });
  }
  const attributesKnown = left.header.attributesKnown && right.header.attributesKnown;
  const rules = { topIsShare: options.topIsShare, attributesKnown, algorithm };
  let differences = 0;
  const first: Difference[] = [];
  const sockets: string[] = [];
  const add: AddDifference = (...parts) => {
    differences += 1;
    if (first.length >= listed && options.onDifference === undefined) return;
    const found = difference(...parts);
    if (first.length < listed) first.push(found);
    options.onDifference?.(found);
  };
  const links = linkComparison(dirname(source), signal, add);
  const tops = topCounter();
  const socket = (path: string, entry: Entry) => {
    if (entry.type === 's' && sockets.length < listed) sockets.push(printableName(path));
  };
  const onlySource = (line: string) => {
    const { path, entry } = entryOf(source, line);
    socket(path, entry);
    compareEntry(path, entry, undefined, rules, add);
  };
  const both = (here: string, there: string) => {
    if (isPlain(here) && sameShared(here, there) && !hasLinks(here) && !hasLinks(there)) return;
    const one = entryOf(source, here);
    const other = entryOf(target, there);
    socket(one.path, one.entry);
    compareEntry(one.path, one.entry, other.entry, rules, add);
    links.pair(one.path, one.entry, other.entry);
  };
  while (left.line !== undefined || right.line !== undefined) {
    const here = left.line;
    const there = right.line;
    const order = orderOf(source, here, target, there);
    if (order <= 0) tops.count(here as string);
    if (order < 0) onlySource(here as string);
    else if (order > 0) {
      const { path, entry } = entryOf(target, there as string);
      compareEntry(path, undefined, entry, rules, add);
    } else both(here as string, there as string);
    const leftMoved = order <= 0 ? left.next() : undefined;
    const rightMoved = order >= 0 ? right.next() : undefined;
    if (leftMoved !== undefined) await leftMoved;
    if (rightMoved !== undefined) await rightMoved;
    const room = links.room();
    if (room !== undefined) await room;
  }
  await links.end();
  return { differences, first, sockets, tops: tops.all(), attributesCompared: attributesKnown };
}

/** Below 0: the source's line comes first, the target has no such entry. */
function orderOf(
  source: string,
  here: string | undefined,
  target: string,
  there: string | undefined,
): number {
  if (here === undefined) return 1;
  if (there === undefined) return -1;
  if (pathToken(here) === pathToken(there)) return 0;
  const [one, other] = [orderKey(entryOf(source, here).path), orderKey(entryOf(target, there).path)];
  return one < other ? -1 : Number(one > other);
}
