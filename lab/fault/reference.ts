import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Facts } from './end-state.ts';

/** What an undisturbed migration came to: all others are compared with it. */
export interface Reference {
  /** Names of its operations. */
  readonly points: readonly string[];
  readonly facts: Facts;
}

const fileIn = (folder: string) => join(folder, 'fault-reference.json');
const checkout = join(import.meta.dirname, '..', '..');

/** What only disturbs a migration has no part in one that nobody disturbs. */
const disturbing = /\/lab\/fault\/(accident.*|gate|killed|main|row)\.ts$|\/ssh\.sh$/;

/** It holds for exactly the sources that it was made with. */
async function keyOfSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const top of ['src', 'lab']) {
    const entries = await readdir(join(checkout, top), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => !disturbing.test(file));
    for (const file of files.sort())
      hash.update(`${file.slice(checkout.length)}\0`).update(await readFile(file));
  }
  return hash.digest('hex');
}

/** The one of an earlier run; undefined: there is none, or the sources have changed since. */
export async function readReference(folder: string): Promise<Reference | undefined> {
  try {
    const { key, reference } = JSON.parse(await readFile(fileIn(folder), 'utf8'));
    return key === (await keyOfSources()) ? reference : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writeReference(folder: string, reference: Reference): Promise<void> {
  await writeFile(fileIn(folder), JSON.stringify({ key: await keyOfSources(), reference }, undefined, 1));
}
