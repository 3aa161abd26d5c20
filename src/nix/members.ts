import type { Span } from './scan.ts';
import type { AttributeSet, Binding } from './syntax.ts';
import { type NixValue, writeMember } from './write-value.ts';

/** One change of a text. */
export interface Splice extends Span {
  readonly text: string;
}

/** The text with the changes in it; every other byte as it was. The changes do not overlap. */
export function spliced(text: string, splices: readonly Splice[]): string {
  return [...splices]
    .sort((a, b) => b.start - a.start)
    .reduce((whole, { start, end, text: inner }) => whole.slice(0, start) + inner + whole.slice(end), text);
}

/** What a set says about a name: one plain binding, nothing, or something that must not be guessed at. */
export type Member =
  | { readonly is: 'absent' }
  | { readonly is: 'binding'; readonly binding: Binding }
  | { readonly is: 'unclear'; readonly what: string; readonly offset: number };

/** Looks for the binding of a name in a set. */
export function memberOf(set: AttributeSet, name: string): Member {
  let found: Binding | undefined;
  for (const member of set.members) {
    if (member.kind === 'inherit') {
      const inherited = member.names.find((each) => each.name === name || each.name === undefined);
      if (inherited !== undefined) return { is: 'unclear', what: 'an `inherit`', offset: inherited.start };
      continue;
    }
    const [first, second] = member.path;
    if (first?.name === undefined)
      return { is: 'unclear', what: 'a name that is computed', offset: member.start };
    if (first.name !== name) continue;
    if (second !== undefined) return { is: 'unclear', what: 'a dotted path', offset: member.start };
    if (found !== undefined) return { is: 'unclear', what: 'defined twice', offset: member.start };
    found = member;
  }
  return found === undefined ? { is: 'absent' } : { is: 'binding', binding: found };
}

/**
 * Adds a binding behind the last one of a set: on a line of its own with the same indentation where the last one has such
 * a line (a comment at its end stays with it), else on the same line.
 * @param apart with an empty line before it
 */
export function addMember(
  text: string,
  set: AttributeSet,
  name: string,
  value: NixValue,
  apart = false,
): Splice {
  const last = set.members.at(-1);
  const eol = lineEnding(text);
  if (last === undefined) {
    const at = set.open + 1;
    const room = text[at] === '}' ? ' ' : '';
    return { start: at, end: at, text: ` ${writeMember(name, value, 'line')}${room}` };
  }
  const indent = ownLine(text, last.start);
  const at = endOfLine(text, last.end);
  if (indent === undefined || at === undefined)
    return { start: last.end, end: last.end, text: ` ${writeMember(name, value, 'line')}` };
  const member = writeMember(name, value, { indent, unit: unitOf(text, set, indent), eol });
  return { start: at, end: at, text: `${apart ? eol : ''}${eol}${indent}${member}` };
}

/** Takes a binding out, with its line where it has one to itself. Comments stay. */
export function removeMember(text: string, member: Span): Splice {
  const indent = ownLine(text, member.start);
  const rest = /^[ \t]*\r?\n/.exec(text.slice(member.end));
  if (indent !== undefined && rest !== null)
    return { start: member.start - indent.length, end: member.end + rest[0].length, text: '' };
  const after = /^[ \t]/.test(text.slice(member.end)) ? 1 : 0;
  return { start: member.start, end: member.end + after, text: '' };
}

/** The line ending of a file: that of its first line. */
export function lineEnding(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? '\n';
}

/** White space before a place, when nothing else stands before it on its line. */
export function ownLine(text: string, offset: number): string | undefined {
  const before = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return /^[ \t]*$/.test(before) ? before : undefined;
}

/** The end of a line on which only a comment may follow, before its line ending. */
export function endOfLine(text: string, from: number): number | undefined {
  const rest = /[ \t]*(?:#[^\r\n]*|\/\*(?:(?!\*\/)[^\r\n])*\*\/[ \t]*)?(?=\r?\n)/y;
  rest.lastIndex = from;
  return rest.test(text) ? rest.lastIndex : undefined;
}

/** By how much the members of a set are deeper than the line it begins on. */
function unitOf(text: string, set: AttributeSet, indent: string): string {
  const line = text.slice(text.lastIndexOf('\n', set.open - 1) + 1);
  const outer = /^[ \t]*/.exec(line)?.[0] ?? '';
  return indent.length > outer.length && indent.startsWith(outer) ? indent.slice(outer.length) : '  ';
}
