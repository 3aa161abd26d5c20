import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isScalar, parseDocument, stringify, type YAMLMap } from 'yaml';

export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain };

/** One value of drayage.yaml, and where it goes. */
export interface Edit {
  readonly path: readonly [string, ...string[]];
  readonly value: Plain;
}

const parse = (text: string) => parseDocument(text, { version: '1.2' });

/**
 * Puts values into the text of a YAML file: comments, order, quotes and indentation of everything else stay as they are.
 * The result is accepted only if it means exactly the same as the old text with these values.
 * @returns undefined where the file is built in a way (an alias, a merge, no block of keys) that does not allow it
 */
export function editYaml(text: string, edits: readonly Edit[]): string | undefined {
  const before = parse(text);
  if (before.errors.length > 0) return undefined;
  const wanted = plain(before);
  let edited = text;
  for (const { path, value } of edits) {
    const next = putText(edited, path, value);
    if (next === undefined) return undefined;
    edited = next;
    putPlain(wanted, path, value);
  }
  return isDeepStrictEqual(plain(parse(edited)), wanted) ? edited : undefined;
}

/** The values as a piece of YAML to paste. */
export function snippetOf(edits: readonly Edit[]): string {
  const whole: Record<string, unknown> = {};
  for (const { path, value } of edits) putPlain(whole, path, value);
  return stringify(whole, { lineWidth: 0 });
}

function plain(document: Document.Parsed): Record<string, unknown> {
  return (document.toJS() as Record<string, unknown> | null) ?? {};
}

function putPlain(whole: Record<string, unknown>, path: readonly string[], value: Plain): void {
  let here = whole;
  for (const key of path.slice(0, -1)) {
    here[key] ??= {};
    here = here[key] as Record<string, unknown>;
  }
  here[path.at(-1) as string] = value;
}

function putText(text: string, path: readonly string[], value: Plain): string | undefined {
  const document = parse(text);
  let map: unknown = document.contents;
  for (const [depth, key] of path.entries()) {
    if (!isMap(map)) return undefined;
    const found = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
    if (found === undefined) {
      const inner = path.slice(depth + 1).reduceRight<Plain>((below, name) => ({ [name]: below }), value);
      return append(text, map, key, inner);
    }
    if (depth === path.length - 1)
      return isScalar(found.value) ? replace(text, found.value.range, value) : undefined;
    map = found.value;
  }
  return undefined;
}

type Range = readonly [number, number, number] | null | undefined;

function replace(text: string, range: Range, value: Plain): string | undefined {
  if (range === null || range === undefined) return undefined;
  return text.slice(0, range[0]) + oneLine(value) + text.slice(range[1]);
}

const oneLine = (value: Plain): string =>
  stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd();

/** A new last key of a map: on lines of its own, or inside the braces. */
function append(text: string, map: YAMLMap, key: string, value: Plain): string | undefined {
  const range = map.range;
  if (range === null || range === undefined) return undefined;
  if (map.flow === true) {
    const open = text.slice(0, range[1] - 1);
    const pair = `${oneLine(key)}: ${oneLine(value)}`;
    const gap = map.items.length === 0 ? '' : ', ';
    return `${open.trimEnd()}${gap || ' '}${pair} ${text.slice(range[1] - 1)}`;
  }
  const [first] = map.items;
  const last = map.items.at(-1);
  const firstKey = isScalar(first?.key) ? first.key.range : undefined;
  if (firstKey === null || firstKey === undefined || last === undefined) return undefined;
  const lineStart = text.lastIndexOf('\n', firstKey[0] - 1) + 1;
  const indent = text.slice(lineStart, firstKey[0]);
  if (!/^ *$/.test(indent)) return undefined;
  const end = endOf(text, last.value ?? last.key);
  if (end === undefined) return undefined;
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = stringify({ [key]: value }, { lineWidth: 0 })
    .trimEnd()
    .split('\n')
    .map((line) => `${indent}${line}${newline}`);
  const head = text.slice(0, end);
  return `${head}${head.endsWith('\n') ? '' : newline}${lines.join('')}${text.slice(end)}`;
}

/** The end of the line on which a node ends. */
function endOf(text: string, node: unknown): number | undefined {
  if (isMap(node) && node.flow !== true) {
    const last = node.items.at(-1);
    return last === undefined ? undefined : endOf(text, last.value ?? last.key);
  }
  const range = (node as { range?: Range } | null)?.range;
  if (range === null || range === undefined) return undefined;
  const [, end] = range;
  if (text[end - 1] === '\n') return end;
  const next = text.indexOf('\n', end);
  return next < 0 ? text.length : next + 1;
}
