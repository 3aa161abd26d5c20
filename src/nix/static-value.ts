import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Span } from './scan.ts';
import { type AttributeSet, type Binding, bare, type Expression, type Inherit } from './syntax.ts';

/** What is not written out, and where it stands: `what` as a message says it. */
export class Computed {
  readonly what: string;
  readonly span: Span;
  constructor(what: string, { start, end }: Span) {
    this.what = what;
    this.span = { start, end };
  }
}

/** A value as far as it stands in the file; the names of a set in the order of the file. */
export type StaticValue =
  | string
  | number
  | boolean
  | null
  | Computed
  | readonly StaticValue[]
  | ReadonlyMap<string, StaticValue>;

interface Scope {
  readonly members: readonly (Binding | Inherit)[];
  readonly outer: Scope | undefined;
}

/**
 * The value of an expression without Nix: literals, sets, lists, and names bound by a `let` around them. Paths become
 * absolute, as `toString` makes them. Everything else is `Computed`.
 * @param folder of the file, to which its paths are relative
 */
export function staticValue(expression: Expression, folder: string): StaticValue {
  return valueIn(expression, undefined, folder, 0);
}

/** Names that bind each other in a circle end here. */
const deepest = 100;

function valueIn(
  expression: Expression,
  scope: Scope | undefined,
  folder: string,
  depth: number,
): StaticValue {
  const node = bare(expression);
  if (depth > deepest) return new Computed('a value that depends on itself', node);
  switch (node.kind) {
    case 'string':
    case 'number':
      return node.value;
    case 'path':
      return node.text.startsWith('~') ? homedir() + node.text.slice(1) : resolve(folder, node.text);
    case 'list':
      return node.items.map((item) => valueIn(item, scope, folder, depth + 1));
    case 'let':
      return valueIn(node.body, { members: node.members, outer: scope }, folder, depth + 1);
    case 'set':
      return setIn(node, scope, folder, depth);
    case 'identifier':
      return named(node, scope, folder, depth);
    case 'computed':
      return new Computed(node.what, node);
  }
}

function named(
  node: Span & { readonly name: string },
  scope: Scope | undefined,
  folder: string,
  depth: number,
): StaticValue {
  const { name } = node;
  for (let here = scope; here !== undefined; here = here.outer) {
    const bound = here.members.filter((member) =>
      member.kind === 'inherit'
        ? member.names.some((each) => each.name === name)
        : member.path[0]?.name === name,
    );
    const [only, more] = bound;
    if (only === undefined) continue;
    if (more === undefined && only.kind === 'binding' && only.path.length === 1)
      return valueIn(only.value, here, folder, depth + 1);
    return new Computed(`the name "${name}"`, node);
  }
  if (name === 'true' || name === 'false') return name === 'true';
  return name === 'null' ? null : new Computed(`the name "${name}"`, node);
}

function setIn(set: AttributeSet, scope: Scope | undefined, folder: string, depth: number): StaticValue {
  if (set.recursive) return new Computed('a `rec` set', set);
  const result = new Map<string, StaticValue>();
  for (const member of set.members) {
    if (member.kind === 'inherit') {
      for (const each of member.names)
        if (each.name !== undefined) result.set(each.name, new Computed('an `inherit`', each));
      continue;
    }
    if (member.path.some(({ name }) => name === undefined))
      return new Computed('a set with a computed name', member);
    const names = member.path.map(({ name }) => name as string);
    const value = valueIn(member.value, scope, folder, depth + 1);
    if (!place(result, names, value)) return new Computed(`a set with "${names.join('.')}" twice`, member);
  }
  return result;
}

function place(into: Map<string, StaticValue>, names: readonly string[], value: StaticValue): boolean {
  const [first, ...rest] = names as [string, ...string[]];
  const there = into.get(first);
  if (rest.length === 0) {
    if (there !== undefined) return false;
    into.set(first, value);
    return true;
  }
  if (there !== undefined && !(there instanceof Map)) return false;
  const inner: Map<string, StaticValue> = there ?? new Map();
  into.set(first, inner);
  return place(inner, rest, value);
}
