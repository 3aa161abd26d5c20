/** A value that a step finds out when it is done, as it stands in the plan until then: `(known after create-guest doc2)`. */
export function knownAfter(step: string): string {
  return `(known after ${step})`;
}

/** The values that steps have found out, by step id. */
export type Known = ReadonlyMap<string, string>;

const placeholder = /\(known after ([a-z-]+ [a-zA-Z0-9-]+)\)/g;

/** A plan's text, operation or check with every value that is known by now in its place. */
export function withKnown<T>(value: T, known: Known = new Map()): T {
  return known.size === 0 ? value : (replaced(value, known) as T);
}

function replaced(value: unknown, known: Known): unknown {
  if (typeof value === 'string')
    return value.replace(placeholder, (whole, step: string) => known.get(step) ?? whole);
  if (Array.isArray(value)) return value.map((inner) => replaced(inner, known));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, known)]));
}

/** The first value that is not known yet. */
export function unknownIn(value: unknown): string | undefined {
  return JSON.stringify(value).match(placeholder)?.[0];
}
