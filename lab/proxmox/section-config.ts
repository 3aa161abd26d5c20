/** /etc/pve/mapping/directory.cfg: sections whose header is the id alone, and indented `key value` lines. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { died } from './api-error.ts';

export interface DirMapping {
  /** `node=...,path=...`; undefined in a section that was written without any entry. */
  map: string[] | undefined;
  description: string | undefined;
}

export interface DirMappings {
  ids: Map<string, DirMapping>;
  /** SHA1 of the whole file. */
  digest: string;
}

export function parseDirMappings(text: string): DirMappings {
  const ids = new Map<string, DirMapping>();
  let current: DirMapping | undefined;
  for (const line of text.split('\n')) {
    if (/^\s*(#|$)/.test(line)) continue;
    const header = /^(\S+)\s*$/.exec(line);
    if (header?.[1] !== undefined) {
      current = { map: undefined, description: undefined };
      ids.set(header[1], current);
      continue;
    }
    const entry = /^\s+(\S+)(?:\s+(.*\S))?\s*$/.exec(line);
    if (entry?.[1] === 'map' && current) current.map = [...(current.map ?? []), entry[2] ?? ''];
    else if (entry?.[1] === 'description' && current)
      current.description = decodeURIComponent(entry[2] ?? '');
    else throw died(`directory.cfg: unable to parse line: ${line}`);
  }
  return { ids, digest: createHash('sha1').update(text).digest('hex') };
}

export function formatDirMappings(ids: DirMappings['ids']): string {
  return [...ids]
    .map(([id, { map, description }]) => {
      const lines = [id, ...(map ?? []).map((entry) => `\tmap ${entry}`)];
      if (description !== undefined) lines.push(`\tdescription ${encodeText(description)}`);
      return `${lines.join('\n')}\n`;
    })
    .join('\n');
}

/** What would break a line of the file is percent-encoded. */
const encodeText = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is encoded
  text.replace(/[\x00-\x08\x0a-\x1f%]/g, (char) => encodeURIComponent(char));

export function readDirMappings(file: string): DirMappings {
  try {
    return parseDirMappings(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return parseDirMappings('');
    throw error;
  }
}

/**
 * Changes the file as a whole.
 * @throws ApiError `unknown section type ''` once a section without `map` lies in the file: only a hand can repair it
 */
export function changeDirMappings(file: string, change: (mappings: DirMappings) => void): void {
  const mappings = readDirMappings(file);
  const poisoned = [...mappings.ids.values()].some((mapping) => mapping.map === undefined);
  change(mappings);
  if (poisoned) throw died("unknown section type ''");
  replaceFile(file, formatDirMappings(mappings.ids));
}

/** Writes beside and renames, so that a reader sees the old or the new file. */
export function replaceFile(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.tmp`, content);
  renameSync(`${file}.tmp`, file);
}
