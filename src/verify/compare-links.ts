import type { AddDifference } from './compare-entry.ts';
import type { Entry } from './manifest.ts';
import { orderKey } from './manifest-line.ts';
import { printableName } from './name.ts';
import { type Sorter, startSorter } from './sort.ts';

/**
 * Names that are one file on one side must be one file on the other. Each name with more than one link on a side is a
 * record `SIDE INODE PATH//INODE OF THE OTHER SIDE`: in order, the names of a file stand together.
 */
function* records(path: string, left: Entry, right: Entry): Generator<string> {
  if (left.type === 'd' || left.type !== right.type) return;
  if (left.links > 1) yield `s ${left.inode} ${orderKey(path)}${right.inode}`;
  if (right.links > 1) yield `t ${right.inode} ${orderKey(path)}${left.inode}`;
}

/** Takes the records in order: within a file, all must name one file of the other side. */
function checker(add: AddDifference) {
  let file: string | undefined;
  let first = { path: '', other: '' };
  return (record: string): void => {
    const space = record.indexOf(' ', 2);
    const end = record.indexOf('//', space);
    const path = record.slice(space + 1, end);
    const other = record.slice(end + 2);
    if (record.slice(0, space) !== file) {
      file = record.slice(0, space);
      first = { path, other };
    } else if (other !== first.other) {
      const same = `same file as ${printableName(first.path)}`;
      const own = 'a file of its own';
      if (file.startsWith('s')) add(path, 'hard-links', same, own);
      else add(path, 'hard-links', own, same);
    }
  };
}

/** The hard links among entries that are all in memory. */
export function compareLinks(pairs: Iterable<readonly [string, Entry, Entry]>, add: AddDifference): void {
  const all = [...pairs].flatMap(([path, left, right]) => [...records(path, left, right)]);
  // The records are bytes: the order of their characters is that of sort(1).
  const check = checker(add);
  for (const record of all.sort((a, b) => (a < b ? -1 : Number(a > b)))) check(record);
}

/**
 * The same for any number of entries, kept by sort(1).
 * @param scratch folder for its temporary files
 */
export function linkComparison(scratch: string, signal: AbortSignal, add: AddDifference) {
  let sorter: Sorter | undefined;
  return {
    /** Takes a name that both sides have. */
    pair(path: string, left: Entry, right: Entry): void {
      for (const record of records(path, left, right)) {
        sorter ??= startSorter(scratch, signal);
        sorter.push(`${record}\0`);
      }
    },
    room: () => sorter?.room(),
    /** Says what differs. */
    async end(): Promise<void> {
      await sorter?.sorted(checker(add));
    },
  };
}
