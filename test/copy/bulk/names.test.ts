import { expect, test } from 'vitest';
import { partNames } from '../../../src/copy/bulk/names.ts';
import type { Host } from '../../../src/ssh/host.ts';

/** A source that lists these names as no directories. */
const listing = (...names: string[]): Host => ({
  name: 'doc1',
  run: async (_argv, options) => {
    await options?.onStdout?.(Buffer.from(names.map((name) => `${name}\0`).join('')));
    return { exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  },
});

test('a link that took the place of a directory is left to the comparison: others carry below it', async () => {
  const units = [
    { kind: 'loose' as const, path: './a', entries: 3, bytes: 10 },
    { kind: 'whole' as const, path: './d', entries: 1, bytes: 0 },
  ];
  const { names, listed } = partNames(
    { units, entries: 4, bytes: 10 },
    new Set(['.', './a', './a/b', './a/b/c']),
    listing('./a/file', './a/b', './a/\xff'),
    '/mnt/docker',
    new AbortController().signal,
  );
  await listed;
  const read = await names.toArray();
  expect(Buffer.concat(read).toString('utf8').split('\0')).toEqual(['./d', './a/file', './a/\u{ff}', '']);
});
