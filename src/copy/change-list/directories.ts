import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { splitter } from '../../verify/records.ts';
import { copyError } from '../errors.ts';

/**
 * Which directory is at which path: one line each, compared as a whole, so that half a million directories are half a
 * million short strings and nothing more.
 */
export function directoryLine(path: string, inode: string): string {
  return `${inode} ${JSON.stringify(path)}`;
}

/** The paths of such lines. */
export function* directoryNames(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield JSON.parse(line.slice(line.indexOf(' ') + 1));
}

const newline = 10;

/** The lines of a directories file. @throws copy/unreadable-record */
export async function readDirectories(file: string): Promise<Set<string>> {
  const lines = new Set<string>();
  try {
    const { push } = splitter(newline, (line) => lines.add(line));
    await pipeline(createReadStream(file), createGunzip(), async (unzipped: AsyncIterable<Buffer>) => {
      for await (const chunk of unzipped) push(chunk);
    });
  } catch (error) {
    throw copyError('copy/unreadable-record', {
      seen: `${file}: ${error instanceof Error ? error.message : error}`,
      next: ['drayage apply --until seed'],
      cause: error,
    });
  }
  return lines;
}

/** A directories file in the making: gzip, readable by zcat, names in latin1. */
export interface DirectoriesWriter {
  /** Resolves when there is room for more. */
  write(lines: readonly string[]): Promise<void>;
  /** Resolves when the file is on the disk. */
  end(): Promise<void>;
}

/** Where nobody needs the file. */
export const nowhere: DirectoriesWriter = { async write() {}, async end() {} };

export function directoriesWriter(file: string): DirectoriesWriter {
  const gzip = createGzip({ level: 1 });
  const output = createWriteStream(file, { mode: 0o600, flush: true });
  const written = pipeline(gzip, output);
  written.catch(() => {});
  return {
    async write(lines) {
      if (lines.length === 0) return;
      if (!gzip.write(Buffer.from(`${lines.join('\n')}\n`, 'latin1'))) {
        await Promise.race([new Promise((resolve) => gzip.once('drain', resolve)), written]);
      }
    },
    async end() {
      gzip.end();
      await written;
    },
  };
}

/** Writes the directories among a manifest's entries (any order; paths relative to the top, `''` is the top). */
export async function writeDirectories(
  file: string,
  entries:
    | AsyncIterable<{
        readonly path: string;
        readonly entry: { readonly type: string; readonly inode: string };
      }>
    | Iterable<{ readonly path: string; readonly entry: { readonly type: string; readonly inode: string } }>,
): Promise<void> {
  const writer = directoriesWriter(file);
  let lines: string[] = [];
  for await (const { path, entry } of entries) {
    if (entry.type !== 'd') continue;
    lines.push(directoryLine(path, entry.inode));
    if (lines.length < 1000) continue;
    await writer.write(lines);
    lines = [];
  }
  await writer.write(lines);
  await writer.end();
}
