import { isUtf8 } from 'node:buffer';
import type { Attributes, Entry } from './manifest.ts';

/** Text that JSON shows as it is. */
const plain = /^[ !#-[\]-~]*$/;
const beyondAscii = /[\x80-\xff]/;

/** Bytes above 7F as `\u00hh`: one character per byte. */
function bytesQuoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\x80-\xff]/g,
    (byte) => `\\u00${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/**
 * `"key":"text"` where the name is UTF-8, else `"keyBytes":"..."` with one character per byte: every name is readable
 * where it can be, and comes back byte by byte.
 */
function named(key: 'path' | 'link', name: string): string {
  if (plain.test(name)) return `"${key}":"${name}"`;
  if (!beyondAscii.test(name) || isUtf8(Buffer.from(name, 'latin1')))
    return `"${key}":${JSON.stringify(name)}`;
  return `"${key}Bytes":${bytesQuoted(name)}`;
}

/** What stands before this is the same on two sides that are equal (of a directory, down to the second of its time). */
const own = ',"links":';
const afterPath = '","type":"';

export function attributesJson(attributes: Attributes): string {
  return `{${Object.entries(attributes)
    .map(([name, value]) => `${bytesQuoted(name)}:"${value}"`)
    .join(',')}}`;
}

/**
 * One line of a manifest, as bytes (latin1). First what both sides must share, then what is each side's own.
 * @param attributes as `attributesJson` writes them, instead of `entry.attributes`
 */
export function manifestLine(path: string, entry: Entry, attributes?: string): string {
  const { type, mode, uid, gid, size, mtime, link, device, digest, links, inode, ctime } = entry;
  const known = attributes ?? (entry.attributes === undefined ? undefined : attributesJson(entry.attributes));
  return `{${named('path', path)},"type":"${type}","mode":"${mode}","uid":${uid},"gid":${gid},${
    type === 'f' ? `"size":${size},` : ''
  }"mtime":"${mtime}"${link === undefined ? '' : `,${named('link', link)}`}${
    device === undefined ? '' : `,"device":"${device}"`
  }${digest === undefined ? '' : `,"digest":"${digest}"`}${
    known === undefined ? '' : `,"attributes":${known}`
  }${own}${links},"inode":"${inode}","ctime":"${ctime}"}\n`;
}

/** The part of a line that names its entry: equal on both sides for one path. undefined: not a manifest's line. */
export function pathToken(line: string): string | undefined {
  const end = line.indexOf(afterPath);
  return end === -1 ? undefined : line.slice(1, end);
}

/** The path of a token, or of one cut off at a slash. */
export function parsePathToken(token: string): string {
  return parseLine(`{${token}","type":"d"}`).path;
}

/** What is needed to count an entry, without parsing its line. */
export function typeAndSize(line: string): { type: string; size: number } {
  const at = line.indexOf(afterPath) + afterPath.length;
  const type = line.charAt(at);
  if (type !== 'f') return { type, size: 0 };
  const from = line.indexOf('"size":', at) + '"size":'.length;
  return { type, size: Number(line.slice(from, line.indexOf(',', from))) };
}

/** Whether two lines of one path say the same in all that both sides must share. */
export function sameShared(left: string, right: string): boolean {
  const end = left.lastIndexOf(own);
  return end !== -1 && end === right.lastIndexOf(own) && right.startsWith(left.slice(0, end));
}

/** Nothing to look at but what both sides must share: not a socket, and a file only with its digest. */
export function isPlain(line: string): boolean {
  const { type } = typeAndSize(line);
  return type !== 's' && (type !== 'f' || line.includes(',"digest":"'));
}

/** More than one name: hard-link relations must be looked at. */
export function hasLinks(line: string): boolean {
  return !line.startsWith('1,', line.lastIndexOf(own) + own.length);
}

interface Parsed extends Entry {
  readonly path?: string;
  readonly pathBytes?: string;
  readonly linkBytes?: string;
}

function bytesOf(text: string): string {
  return /[\u0080-\uffff]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** The inverse of `manifestLine`. @throws SyntaxError for anything else */
export function parseLine(line: string): { path: string; entry: Entry } {
  const text = beyondAscii.test(line) ? Buffer.from(line, 'latin1').toString('utf8') : line;
  const { path, pathBytes, link, linkBytes, ...rest } = JSON.parse(text) as Parsed;
  const name = path === undefined ? pathBytes : bytesOf(path);
  if (name === undefined || typeof rest.type !== 'string')
    throw new SyntaxError('not an entry of a manifest');
  const to = link === undefined ? linkBytes : bytesOf(link);
  const entry: Entry = { ...rest, size: rest.size ?? 0 };
  return { path: name, entry: to === undefined ? entry : { ...entry, link: to } };
}

/** The order of manifests: a path never holds `//`, so no key is the beginning of another. */
export function orderKey(path: string): string {
  return `${path}//`;
}
