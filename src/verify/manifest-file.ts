import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Manifest } from './manifest.ts';
import { printableName } from './name.ts';

function* lines(manifest: Manifest): Generator<string> {
  for (const [path, entry] of manifest.entries) {
    const { link, ...rest } = entry;
    const shown = { path: path === '' ? '.' : printableName(path), ...rest };
    yield `${JSON.stringify(link === undefined ? shown : { ...shown, link: printableName(link) })}\n`;
  }
}

/** Keeps a manifest as evidence: gzip, one JSON object per entry and line. */
export async function writeManifest(manifest: Manifest, file: string): Promise<void> {
  await pipeline(Readable.from(lines(manifest)), createGzip(), createWriteStream(file, { mode: 0o600 }));
}
