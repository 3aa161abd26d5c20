import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  directoryLine,
  readDirectories,
  writeDirectories,
} from '../../../src/copy/change-list/directories.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-directories-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a directories file', () => {
  test('gives back each directory, whatever its name, and nothing else', async () => {
    const file = join(folder, 'all.gz');
    const names = ['', 'plain', 'new\nline', 'carriage\rreturn', 'quote"', 'back\\slash', '\xff\xfe', '\x85'];
    await writeDirectories(file, [
      ...names.map((path, index) => ({ path, entry: { type: 'd', inode: `1:${index}` } })),
      { path: 'file', entry: { type: 'f', inode: '1:99' } },
    ]);
    const lines = await readDirectories(file);
    expect([...lines]).toEqual(names.map((path, index) => directoryLine(path, `1:${index}`)));
  });

  test('of many directories is written whole', async () => {
    const file = join(folder, 'many.gz');
    async function* many() {
      for (let at = 0; at < 5000; at += 1) yield { path: `d${at}`, entry: { type: 'd', inode: `1:${at}` } };
    }
    await writeDirectories(file, many());
    expect((await readDirectories(file)).size).toBe(5000);
  });

  test('that is missing, or cut off, is an error that leads to a new one', async () => {
    const file = join(folder, 'whole.gz');
    const entries = Array.from({ length: 2000 }, (_, at) => ({
      path: `d${at}`,
      entry: { type: 'd', inode: `1:${at}` },
    }));
    await writeDirectories(file, entries);
    const cut = join(folder, 'cut.gz');
    writeFileSync(cut, readFileSync(file).subarray(0, 2000));
    for (const wrong of [cut, join(folder, 'none.gz')]) {
      await expect(readDirectories(wrong)).rejects.toMatchObject({
        code: 'copy/unreadable-record',
        next: ['drayage apply --until seed'],
      });
    }
  });
});
