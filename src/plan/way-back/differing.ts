/** Type, mode, owner, group, size, mtime, inode, ctime, name; a tab in front: the later state. */
const record = /^(\t?)([a-zA-Z])(?: \S+){5} (\d+) \S+ \.\/([\s\S]+)$/;

/** What two states of a tree do not have in common. Names are relative, latin1. */
export interface Differing {
  readonly records: number;
  /** Names of the earlier state that are not in the later one, or are not the same there. */
  readonly before: ReadonlySet<string>;
  /** Names of the later state; with `true` for a directory. */
  readonly now: ReadonlyMap<string, boolean>;
  /** Inodes of these, without directories. */
  readonly inodes: ReadonlySet<string>;
  /** Names that only the earlier state has. */
  readonly gone: readonly string[];
}

/** Reads what `listingDifference` prints, bytes as latin1; undefined when it is not understood. */
export function parseDiffering(text: string): Differing | undefined {
  const before = new Set<string>();
  const now = new Map<string, boolean>();
  const inodes = new Set<string>();
  const lines = text.split('\0');
  if (lines.pop() !== '') return undefined;
  for (const line of lines) {
    const found = record.exec(line);
    if (found === null) return undefined;
    const [, later, type, inode, name] = found as unknown as [string, string, string, string, string];
    if (later === '') before.add(name);
    else {
      now.set(name, type === 'd');
      if (type !== 'd') inodes.add(inode);
    }
  }
  return { records: lines.length, before, now, inodes, gone: [...before].filter((name) => !now.has(name)) };
}
