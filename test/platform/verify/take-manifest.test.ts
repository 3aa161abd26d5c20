import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Host } from '../../../src/ssh/host.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import type { Entry } from '../../../src/verify/manifest.ts';
import { readManifestFile } from '../../../src/verify/manifest-file.ts';
import { pickSample, readSample, stillUnchanged } from '../../../src/verify/sample.ts';
import { type TakeOptions, takeManifest } from '../../../src/verify/take-manifest.ts';
import { makeTree } from '../../support/random-tree.ts';

let folder: string;
let top: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-take-'));
  top = join(folder, 'tree');
  mkdirSync(top);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const here = controllerHost('here');
const take = (options: Partial<TakeOptions> = {}, on: Host = here) =>
  takeManifest(
    { host: on, path: top, exclude: [] },
    { file: join(folder, 'manifest.gz'), scratch: folder, algorithm: 'xxh128', ...options },
  );
async function entries(file = join(folder, 'manifest.gz')): Promise<Map<string, Entry>> {
  const map = new Map<string, Entry>();
  for await (const { path, entry } of readManifestFile(file)) map.set(path, entry);
  return map;
}
/** A host where something happens right before the contents are read. */
const before = (happens: () => void): Host => ({
  name: 'here',
  run: (argv, options) => {
    if (argv.some((part) => part.includes('xargs -0 -r -n "$@"'))) happens();
    return here.run(argv, options);
  },
});

describe('a manifest', () => {
  test('has one line per entry, with all that is known of it, and leaves nothing else behind', async () => {
    makeTree(top, 7);
    const listed: number[] = [];
    const summary = await take({ onListed: (count) => listed.push(count) });
    const found = execFileSync('find', ['.', '-printf', '%P\\0'], { cwd: top })
      .toString('latin1')
      .split('\0');
    const map = await entries();
    expect([...map.keys()].sort()).toEqual(found.slice(0, -1).sort());
    expect(listed).toEqual([map.size]);
    const files = [...map.values()].filter(({ type }) => type === 'f');
    expect(summary).toMatchObject({
      entries: map.size,
      files: files.length,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      filesRead: files.length,
      attributesKnown: true,
    });
    expect(map.get('null')).toMatchObject({ type: 'c', device: '1:3' });
    expect([...map.values()].filter(({ attributes }) => attributes !== undefined).length).toBeGreaterThan(5);
    expect(readdirSync(folder).sort()).toEqual(['manifest.gz', 'tree']);
  });

  test('is text that zcat shows and zdiff compares', async () => {
    writeFileSync(join(top, 'é'), 'x');
    await take();
    const lines = gunzipSync(readFileSync(join(folder, 'manifest.gz')))
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ format: 2, algorithm: 'xxh128', host: 'here', path: top });
    expect(lines.slice(1).map(({ path }) => path)).toEqual(['', 'é']);
  });

  test('reads a file with several names once', async () => {
    writeFileSync(join(top, 'a'), 'x'.repeat(1000));
    execFileSync('sh', ['-c', 'for i in $(seq 300); do ln a n$i; done'], { cwd: top });
    let asked = '';
    const spy: Host = {
      name: 'here',
      run: async (argv, options) => {
        if (!argv.some((part) => part.includes('xargs -0 -r -n "$@"'))) return here.run(argv, options);
        return here.run(argv, {
          ...options,
          onStdout: (chunk) => {
            asked += chunk.toString('latin1');
            return options?.onStdout?.(chunk);
          },
        });
      },
    };
    await take({}, spy);
    expect(asked.split('\n').filter((line) => line.includes('./'))).toHaveLength(1);
    const digests = new Set([...(await entries()).values()].map(({ digest }) => digest));
    expect(digests.size).toBe(2);
  });
});

describe('an earlier manifest', () => {
  /** As if it had been taken this much later: digests are only remembered of what had settled by then. */
  const later = (seconds: number): string => {
    const [header, ...rest] = gunzipSync(readFileSync(join(folder, 'manifest.gz')))
      .toString()
      .split('\n') as [string, ...string[]];
    const { takenAt, ...fields } = JSON.parse(header);
    const moved = new Date(Date.parse(takenAt) + seconds * 1000).toISOString();
    const file = join(folder, 'earlier.gz');
    writeFileSync(file, gzipSync([JSON.stringify({ ...fields, takenAt: moved }), ...rest].join('\n')));
    return file;
  };

  test('stands for what has its inode, ctime and size still; the rest is read, and the result is the same', async () => {
    makeTree(top, 8);
    writeFileSync(join(top, 'changed'), 'one');
    utimesSync(join(top, 'changed'), 1, 1);
    const first = await take();
    const remembered = later(120);
    writeFileSync(join(top, 'changed'), 'two');
    utimesSync(join(top, 'changed'), 1, 1);
    writeFileSync(join(top, 'added'), 'three');
    const second = await take({ remembered });
    expect(second).toMatchObject({ files: first.files + 1, filesRead: 2, bytesRead: 8 });
    const known = await entries();
    await take();
    expect(known).toEqual(await entries());
  });

  test('does not stand for what had changed just before it was taken', async () => {
    writeFileSync(join(top, 'fresh'), 'one');
    await take();
    expect(await take({ remembered: later(0) })).toMatchObject({ filesRead: 1 });
  });

  test('of another algorithm is not used', async () => {
    writeFileSync(join(top, 'file'), 'one');
    await take();
    const remembered = later(120);
    expect(await take({ remembered })).toMatchObject({ filesRead: 0 });
    expect(await take({ remembered, algorithm: 'sha256' })).toMatchObject({ filesRead: 1 });
  });
});

describe('a file that vanishes while the tree is read', () => {
  const vanishing = () => before(() => rmSync(join(top, 'gone\nx'), { force: true }));
  beforeEach(() => {
    for (const name of ['a', 'gone\nx', 'z']) writeFileSync(join(top, name), name);
  });

  test('has no digest in a tree that is in use, and all else has its own', async () => {
    for (const algorithm of ['xxh128', 'blake3', 'sha256'] as const) {
      writeFileSync(join(top, 'gone\nx'), 'x');
      await take({ live: true, algorithm }, vanishing());
      const map = await entries();
      expect([...map].filter(([, { digest }]) => digest === undefined).map(([path]) => path)).toEqual([
        '',
        'gone\nx',
      ]);
    }
  });

  test('is an error in a tree that is not in use', async () => {
    await expect(take({}, vanishing())).rejects.toMatchObject({
      code: 'verify/unreadable',
      next: [expect.stringContaining('ls -la')],
    });
    expect(readdirSync(folder)).toEqual(['tree']);
  });

  test('is not what a file is that is there and cannot be read', async () => {
    const unreadable: Host = {
      name: 'here',
      run: (argv, options) => {
        if (argv.some((part) => part.startsWith('date'))) return here.run(argv, options);
        return here.run(
          argv.map((part) => part.replace('xxhsum', 'false')),
          options,
        );
      },
    };
    await expect(take({ live: true }, unreadable)).rejects.toMatchObject({ code: 'verify/unreadable' });
  });
});

describe('a sample read elsewhere', () => {
  beforeEach(async () => {
    makeTree(top, 9);
    writeFileSync(join(top, 'file'), 'content');
    await take();
  });
  const manifest = () => join(folder, 'manifest.gz');

  test('is always the same for the same tree, and equal where the tree is', async () => {
    const sample = await pickSample(manifest(), 20);
    expect(sample).toHaveLength(20);
    expect(await pickSample(manifest(), 20)).toEqual(sample);
    expect(await readSample(here, top, 'xxh128', sample)).toEqual([]);
    expect(await stillUnchanged(here, top, sample)).toEqual(sample);
  });

  test('names the file whose bytes are others, and leaves out what was written to since', async () => {
    const sample = await pickSample(manifest(), 1000);
    writeFileSync(join(top, 'file'), 'CONTENT');
    expect(await readSample(here, top, 'xxh128', sample)).toEqual(['file']);
    const unchanged = await stillUnchanged(here, top, sample);
    expect(sample.filter((file) => !unchanged.includes(file)).map(({ path }) => path)).toEqual(['file']);
  });

  test('that cannot be read says where to look', async () => {
    const sample = await pickSample(manifest(), 3);
    await expect(readSample(here, join(folder, 'nowhere'), 'xxh128', sample)).rejects.toMatchObject({
      code: 'verify/no-sample',
      next: [expect.stringContaining('findmnt')],
    });
  });
});
