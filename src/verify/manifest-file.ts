import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { z } from 'zod';
import type { DrayageError } from '../errors/error.ts';
import { verifyError } from './errors.ts';
import type { Entry } from './manifest.ts';
import { parseLine } from './manifest-line.ts';
import { splitter } from './records.ts';

const headerSchema = z.strictObject({
  format: z.literal(2),
  algorithm: z.enum(['xxh128', 'blake3', 'sha256']),
  host: z.string(),
  path: z.string(),
  /** Relative to the path; not in the manifest. */
  exclude: z.array(z.string()).readonly(),
  /** false: the machine has no getfattr, ACLs, xattrs and capabilities are not in the manifest. */
  attributesKnown: z.boolean(),
  /** ISO time by the clock of the machine, before the first name was listed. */
  takenAt: z.string(),
});

/** The first line of a manifest. */
export type ManifestHeader = Readonly<z.infer<typeof headerSchema>>;

export interface ManifestWriter {
  /** Lines in the order of `orderKey`, one call after the other. */
  write(lines: string): Promise<void>;
  /** The file gets its name only when it is whole. */
  finish(): Promise<void>;
  abandon(): Promise<void>;
}

/** Speed over size: a manifest is about a tenth of its text even so. */
const compression = { level: 1 };

const bufferLength = 128 * 1024;

/** A manifest is gzip: a header, then one JSON object per entry and line, readable by `zcat`, comparable by `zdiff`. */
export function createManifest(file: string, header: ManifestHeader): ManifestWriter {
  const part = `${file}.part`;
  const gzip = createGzip(compression);
  const written = pipeline(gzip, createWriteStream(part, { mode: 0o600 }));
  written.catch(() => {});
  const buffer = Buffer.allocUnsafe(bufferLength);
  const write = async (text: string): Promise<void> => {
    // One buffer for all, free again when it is compressed: thousands of them would wait for the garbage collector.
    const bytes =
      text.length > bufferLength
        ? Buffer.from(text, 'latin1')
        : buffer.subarray(0, buffer.write(text, 'latin1'));
    const taken = new Promise<void>((resolve) => gzip.write(bytes, () => resolve()));
    await Promise.race([taken, written]);
  };
  gzip.write(Buffer.from(`${JSON.stringify(header)}\n`, 'utf8'));
  return {
    write,
    async finish() {
      gzip.end();
      await written;
      await rename(part, file);
    },
    async abandon() {
      gzip.destroy();
      await written.catch(() => {});
      await rm(part, { force: true });
    },
  };
}

const newline = 10;

/** Goes through the lines of a manifest, one by one, without a promise for each. */
export interface ManifestCursor {
  readonly header: ManifestHeader;
  /** The line at hand, as bytes (latin1); undefined: the end was reached. */
  line: string | undefined;
  /** Goes to the next line. @returns a promise where it must be read first */
  next(): Promise<void> | undefined;
  close(): void;
}

function broken(file: string, why: string, cause?: unknown): DrayageError {
  return verifyError('verify/manifest', {
    seen: `${file}: ${why}`,
    next: [`zcat ${file} | tail -n 2`, 'drayage verify   # takes both manifests anew'],
    cause,
  });
}

/** @throws verify/manifest when the file is not a manifest, not whole, or of another version */
export async function openManifest(file: string): Promise<ManifestCursor> {
  const input = createReadStream(file);
  const gunzip = createGunzip({ chunkSize: 64 * 1024 });
  pipeline(input, gunzip).catch(() => {});
  const chunks = gunzip[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let lines: string[] = [];
  let at = 0;
  const split = splitter(newline, (line) => lines.push(line));
  const fill = async (): Promise<void> => {
    for (;;) {
      let result: IteratorResult<Buffer>;
      try {
        result = await chunks.next();
      } catch (error) {
        throw broken(file, (error as Error).message, error);
      }
      if (result.done === true) {
        if (split.rest() !== '') throw broken(file, 'the last line is cut off');
        cursor.line = undefined;
        return;
      }
      lines = [];
      at = 0;
      split.push(result.value);
      if (lines.length > 0) break;
    }
    cursor.line = lines[0];
  };
  const cursor: { -readonly [key in keyof ManifestCursor]: ManifestCursor[key] } = {
    header: undefined as unknown as ManifestHeader,
    line: undefined,
    next() {
      at += 1;
      if (at >= lines.length) return fill();
      cursor.line = lines[at];
      return undefined;
    },
    close: () => void gunzip.destroy(),
  };
  await fill();
  try {
    cursor.header = headerSchema.parse(JSON.parse(Buffer.from(cursor.line ?? '', 'latin1').toString('utf8')));
  } catch (error) {
    gunzip.destroy();
    throw broken(file, 'the first line is not the header of a manifest of format 2', error);
  }
  await cursor.next();
  return cursor;
}

export async function readManifestHeader(file: string): Promise<ManifestHeader> {
  const cursor = await openManifest(file);
  cursor.close();
  return cursor.header;
}

/** Every entry in the order of `orderKey`. Paths are relative to the tree's top (`''` is the top); bytes as latin1. */
export async function* readManifestFile(file: string): AsyncGenerator<{ path: string; entry: Entry }> {
  const cursor = await openManifest(file);
  try {
    while (cursor.line !== undefined) {
      yield entryOf(file, cursor.line);
      await cursor.next();
    }
  } finally {
    cursor.close();
  }
}

/** @throws verify/manifest for a line that is not one of a manifest */
export function entryOf(file: string, line: string): { path: string; entry: Entry } {
  try {
    return parseLine(line);
  } catch (error) {
    throw broken(file, `not an entry: ${line.slice(0, 200)}`, error);
  }
}
