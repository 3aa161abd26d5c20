import { parsePathToken, pathToken, typeAndSize } from './manifest-line.ts';
import { listed } from './report.ts';

/** What one directory at the top of a tree holds, itself included. */
export interface TopCount {
  /** Bytes as latin1; `''` is the top itself with the files directly in it. */
  readonly name: string;
  /** Sockets are left out: they are not copied. */
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
}

/** Counts the lines of a manifest by the directories at its top, the first thousand of them. */
export function topCounter() {
  const counts = new Map<string, { entries: number; files: number; bytes: number }>();
  let last: string | undefined;
  let current = { entries: 0, files: 0, bytes: 0 };
  return {
    count(line: string): void {
      const token = pathToken(line) ?? '';
      const { type, size } = typeAndSize(line);
      if (type === 's') return;
      // A slash is never escaped in these lines, and nothing is escaped by one.
      const slash = token.indexOf('/');
      const top = slash === -1 ? (type === 'd' ? token : '"path":"') : token.slice(0, slash);
      if (top !== last) {
        last = top;
        current = counts.get(top) ?? { entries: 0, files: 0, bytes: 0 };
        if (counts.size < listed) counts.set(top, current);
      }
      current.entries += 1;
      if (type !== 'f') return;
      current.files += 1;
      current.bytes += size;
    },
    all(): TopCount[] {
      return [...counts].map(([token, count]) => ({ name: parsePathToken(token), ...count }));
    },
  };
}
