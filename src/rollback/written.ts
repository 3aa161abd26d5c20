import { parseDiffering } from '../plan/way-back/differing.ts';
import type { Written } from '../plan/way-back/facts.ts';
import { printableName } from '../verify/name.ts';
import { rollbackError } from './errors.ts';

/** Names that are shown of each kind, and records that are looked at for it. */
const shown = 20;
export const mostRecords = 200_000;

/** Sums up what `listingDifference` prints: bytes as latin1. @throws rollback/unreadable-output */
export function parseWritten(text: string): Written {
  const found = parseDiffering(text);
  if (found === undefined)
    throw rollbackError('rollback/unreadable-output', {
      seen: `a list of names: ${JSON.stringify(text.slice(0, 200))}`,
      next: ['docs/recovery.md, "After the release"'],
    });
  const { before, now, gone, records } = found;
  const added = [...now.keys()].filter((name) => !before.has(name));
  const changed = [...now.keys()].filter((name) => before.has(name));
  const first = (sign: string, names: readonly string[]) =>
    names
      .toSorted()
      .slice(0, shown)
      .map((name) => `${sign} ${printableName(name)}`);
  return {
    added: added.length,
    changed: changed.length,
    gone: gone.length,
    more: records >= mostRecords,
    first: [...first('+', added), ...first('~', changed), ...first('-', gone)],
  };
}
