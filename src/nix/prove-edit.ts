import { isDeepStrictEqual } from 'node:util';
import type { Host } from '../ssh/host.ts';
import { nixError } from './errors.ts';
import { comparableValue, evaluate } from './evaluate.ts';
import type { NixSource } from './source.ts';
import { Computed, type StaticValue, staticValue } from './static-value.ts';

/** What an edit is meant to do: one attribute, and what its value becomes from what it was. */
export interface Intent {
  readonly path: readonly string[];
  /** `undefined`: the attribute is not there. `anything` stands for a value that is not judged. */
  readonly value: (before: unknown) => unknown;
}

/** Stands in an intended value for what the file computes. */
export const anything = Symbol('anything');

/**
 * Proves that two texts of a file differ in exactly the intended attribute: by what is written out in both, and, where
 * this machine has Nix, by what Nix makes of both.
 * @returns whether Nix was asked
 * @throws nix/other-difference, nix/evaluation
 */
export async function proveEdit(
  controller: Host,
  before: NixSource,
  after: NixSource,
  intent: Intent,
): Promise<boolean> {
  compare(before, intent, writtenOut(before), writtenOut(after));
  const old = await evaluate(controller, before, comparableValue);
  if (old === undefined) return false;
  compare(before, intent, old, await evaluate(controller, after, comparableValue));
  return true;
}

function compare(source: NixSource, intent: Intent, before: unknown, after: unknown): void {
  const wanted = withValue(before, intent.path, intent.value(valueAt(before, intent.path)));
  const difference = firstDifference(wanted, after, []);
  if (difference === undefined) return;
  throw nixError('nix/other-difference', {
    seen: `${intent.path.join('.')} was to change; ${difference.join('.') || 'the whole file'} would be another value than intended`,
    where: source.file,
    next: [`change ${intent.path.join('.')} in ${source.file} yourself`],
  });
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((here, name) => (isRecord(here) ? here[name] : undefined), value);
}

function withValue(value: unknown, path: readonly string[], wanted: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return wanted;
  const there = isRecord(value) ? value : {};
  const inner = withValue(there[name], rest, wanted);
  const others = Object.entries(there).filter(([key]) => key !== name);
  return Object.fromEntries(inner === undefined ? others : [...others, [name, inner]]);
}

/** The path of the first value that is another one; undefined when there is none. */
function firstDifference(wanted: unknown, seen: unknown, path: readonly string[]): string[] | undefined {
  if (wanted === anything) return seen === undefined ? [...path] : undefined;
  if (isRecord(wanted) && isRecord(seen)) {
    for (const name of new Set([...Object.keys(wanted), ...Object.keys(seen)])) {
      const inner = firstDifference(wanted[name], seen[name], [...path, name]);
      if (inner !== undefined) return inner;
    }
    return undefined;
  }
  if (Array.isArray(wanted) && Array.isArray(seen) && wanted.length === seen.length) {
    for (const [index, item] of wanted.entries()) {
      const inner = firstDifference(item, seen[index], [...path, String(index)]);
      if (inner !== undefined) return inner;
    }
    return undefined;
  }
  return isDeepStrictEqual(wanted, seen) ? undefined : [...path];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands in a file, with the text of what is computed in its place. */
function writtenOut(source: NixSource): unknown {
  const plain = (value: StaticValue): unknown => {
    if (value instanceof Computed) return { computed: source.text.slice(value.span.start, value.span.end) };
    if (Array.isArray(value)) return value.map((item) => plain(item as StaticValue));
    if (value instanceof Map)
      return Object.fromEntries([...value].map(([name, inner]) => [name, plain(inner)]));
    return value;
  };
  return plain(staticValue(source.tree, source.folder));
}
