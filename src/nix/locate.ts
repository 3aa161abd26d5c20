import { bare, type Expression } from './syntax.ts';

/**
 * The place of an attribute in a file, for messages: the binding that makes it, or else the nearest one around it that is
 * written out.
 */
export function locate(tree: Expression, path: readonly string[]): number {
  const node = bare(tree);
  if (node.kind === 'let') return locate(node.body, path);
  if (node.kind !== 'set' || path.length === 0) return node.start;
  let best = { depth: 0, offset: node.start };
  for (const member of node.members) {
    if (member.kind === 'inherit') continue;
    const names = member.path.map(({ name }) => name);
    const same = names.findIndex((name, index) => name !== path[index]);
    if (same >= 0) {
      if (same > best.depth) best = { depth: same, offset: member.start };
      continue;
    }
    const rest = path.slice(names.length);
    const inner = bare(member.value);
    return rest.length > 0 && (inner.kind === 'set' || inner.kind === 'let')
      ? within(member.start, inner, rest)
      : member.start;
  }
  return best.offset;
}

/** Inside a value that lacks the attribute, the binding itself is the better place. */
function within(binding: number, value: Expression, path: readonly string[]): number {
  const inner = locate(value, path);
  return inner === value.start ? binding : inner;
}
