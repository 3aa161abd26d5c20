import type { Written } from '../plan/way-back/facts.ts';
import { mostRecords } from '../plan/way-back/listing.ts';
import { printableName } from '../verify/name.ts';
import { rollbackError } from './errors.ts';

/** Names that are shown of each kind. */
const shown = 20;

/** Type, mode, owner, group, size, mtime, ctime, name; a tab in front: the later state. */
const record = /^(\t?)[a-zA-Z](?: \S+){6} \.\/([\s\S]+)$/;

/** Reads what `listingDifference` prints: bytes as latin1. @throws rollback/unreadable-output */
export function parseWritten(text: string): Written {
  const before = new Set<string>();
  const now = new Set<string>();
  const records = text.split('\0');
  records.pop();
  for (const line of records) {
    const found = record.exec(line);
    if (found === null)
      throw rollbackError('rollback/unreadable-output', {
        seen: `a list of names: ${JSON.stringify(line.slice(0, 200))}`,
        next: ['docs/recovery.md, "After the release"'],
      });
    (found[1] === '' ? before : now).add(found[2] as string);
  }
  const added = [...now].filter((name) => !before.has(name));
  const changed = [...now].filter((name) => before.has(name));
  const gone = [...before].filter((name) => !now.has(name));
  const first = (sign: string, names: string[]) =>
    names.slice(0, shown).map((name) => `${sign} ${printableName(name)}`);
  return {
    added: added.length,
    changed: changed.length,
    gone: gone.length,
    more: records.length >= mostRecords,
    first: [...first('+', added), ...first('~', changed), ...first('-', gone)],
  };
}
