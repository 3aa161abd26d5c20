import { closestMatch } from 'leven';

/** The known word that was probably meant: at most a third of it differs, or one contains the other. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase().slice(0, 100);
  const same = known.find((k) => k.toLowerCase() === lower);
  if (same !== undefined) return same;
  const byLower = new Map(known.map((k) => [k.toLowerCase(), k]));
  const close = closestMatch(lower, [...byLower.keys()], {
    maxDistance: Math.max(2, Math.floor(lower.length / 3)),
  });
  if (close !== undefined && close[0] !== undefined && lower.length > 1) return byLower.get(close);
  return lower.length < 3
    ? undefined
    : known.find((k) => k.toLowerCase().startsWith(lower) || lower.startsWith(k.toLowerCase()));
}

/** `a, b or c`, quoted; the way a message lists what may be written. */
export function oneOf(known: readonly string[]): string {
  if (known.length === 0) return 'nothing';
  if (known.length === 1) return `"${known[0]}"`;
  return `${known
    .slice(0, -1)
    .map((k) => `"${k}"`)
    .join(', ')} or "${known.at(-1)}"`;
}
