import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { nixError } from './errors.ts';
import { parse } from './parse.ts';
import { NixSyntaxError } from './scan.ts';
import type { Expression } from './syntax.ts';

/** A Nix file, read and parsed. */
export interface NixSource {
  /** Absolute. */
  readonly file: string;
  readonly folder: string;
  readonly text: string;
  readonly tree: Expression;
}

/** @throws nix/unreadable, nix/syntax */
export async function readSource(file: string): Promise<NixSource> {
  const absolute = resolve(file);
  let bytes: Buffer;
  try {
    bytes = await readFile(absolute);
  } catch (error) {
    throw nixError('nix/unreadable', {
      seen: (error as Error).message,
      next: [`ls -l ${absolute}`],
      cause: error,
    });
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw nixError('nix/unreadable', {
      seen: `${absolute} is not UTF-8`,
      next: [`iconv -f utf-8 -t utf-8 ${absolute} > /dev/null   # says where`],
      cause: error,
    });
  }
  return sourceOf(absolute, text);
}

/** @throws nix/syntax */
export function sourceOf(file: string, text: string): NixSource {
  try {
    return { file, folder: dirname(file), text, tree: parse(text) };
  } catch (error) {
    // A file of a hundred thousand open brackets ends the stack.
    if (!(error instanceof NixSyntaxError) && !(error instanceof RangeError)) throw error;
    const offset = error instanceof NixSyntaxError ? error.offset : 0;
    throw nixError('nix/syntax', {
      seen: error instanceof NixSyntaxError ? error.message : 'brackets inside brackets, too many of them',
      where: whereIs({ file, text }, offset),
      next: [`nix-instantiate --parse ${file}`],
      cause: error,
    });
  }
}

/** `file:line:column`, both from 1, columns in UTF-16 units as editors count. */
export function whereIs(source: { readonly file: string; readonly text: string }, offset: number): string {
  const before = source.text.slice(0, offset);
  const line = before.split('\n').length;
  return `${source.file}:${line}:${offset - before.lastIndexOf('\n')}`;
}
