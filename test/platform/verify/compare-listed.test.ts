import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Host } from '../../../src/ssh/host.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import {
  compareListed,
  type ListedOptions,
  openReaders,
  type Part,
} from '../../../src/verify/compare-listed.ts';
import { fullComparison } from '../../support/full-comparison.ts';
import { type LoopMount, loopMount } from '../../support/loop-mount.ts';
import { makeTree } from '../../support/random-tree.ts';
import { changeCases } from './change-cases.ts';

const host = controllerHost('here');
let disk: LoopMount;
let original: string;
let copy: string;
let every: string[];

const sides = (on: Host = host) => ({
  source: { host: on, path: original, exclude: [] },
  target: { host: on, path: copy, exclude: [] },
});
const compare = (names: readonly string[], options: Partial<ListedOptions> = {}, on: Host = host) =>
  compareListed(sides(on), names, { algorithm: 'xxh128', topIsShare: false, ...options });
const going = new AbortController();
const sh = (script: string, cwd = copy) => execFileSync('sh', ['-euc', script], { cwd, stdio: 'pipe' });

beforeAll(() => {
  disk = loopMount('ext4');
  original = join(disk.path, 'original');
  copy = join(disk.path, 'copy');
  makeTree(original, 42);
  writeFileSync(join(original, 'file'), 'content');
  sh(
    'setfacl -m u:7:r file; setfattr -n user.x -v 1 file; ln -s file link; ln file other-name; touch single; mkdir folder',
    original,
  );
  const listed = execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P\\0'], { cwd: original });
  every = ['.', ...listed.toString('latin1').split('\0').slice(0, -1)];
});
afterAll(() => disk?.unmount());
beforeEach(() => {
  execFileSync('rsync', [
    '-aHAXS',
    '--numeric-ids',
    '--delete',
    '--modify-window=-1',
    '--checksum',
    `${original}/`,
    `${copy}/`,
  ]);
});

describe('exactly the names of a list', () => {
  test.each(['xxh128', 'blake3', 'sha256'] as const)(
    'are equal where the trees are, whatever the names (%s)',
    async (algorithm) => {
      const found = await compare(every, { algorithm });
      expect(found.differences).toEqual([]);
      expect(found).toMatchObject({ entries: every.length, attributesCompared: true });
      expect(found.filesRead).toBeGreaterThan(70);
    },
  );

  test.each(changeCases)('show one change of %s as the full comparison does', async (_what, script) => {
    sh(script);
    const full = await fullComparison(sides(), { topIsShare: true });
    const { differences } = await compare([...every, 'new', 'odd\nx'], { topIsShare: true });
    expect(differences).toEqual(full.list);
    expect(differences.length).toBeGreaterThan(0);
  });

  test('are compared, and no other', async () => {
    sh('printf CONTENT >file; rm single; touch unexpected');
    const { differences, entries } = await compare(['single', 'folder', 'folder']);
    expect(differences.map(({ name, what }) => `${name} ${what}`)).toEqual(['single missing']);
    expect(entries).toBe(2);
  });

  test('that are on neither side are equal, also below what is no directory', async () => {
    expect(await compare(['gone', 'gone/deeper', 'single/below', 'new\nline gone'])).toMatchObject({
      differences: [],
      entries: 0,
    });
    expect((await compare([])).differences).toEqual([]);
  });

  test('may be the top, under either of its names', async () => {
    sh('chmod 700 .');
    for (const top of ['', '.']) {
      expect((await compare([top])).differences).toMatchObject([{ path: '.', name: '', what: 'mode' }]);
      expect((await compare([top], { topIsShare: true })).differences).toEqual([]);
    }
  });

  test('are raw bytes in a difference, for whoever carries them over', async () => {
    const name = Buffer.from('q\xff\n', 'latin1');
    for (const [top, text] of [
      [original, 'a'],
      [copy, 'b'],
    ] as const)
      writeFileSync(Buffer.concat([Buffer.from(`${top}/`), name]), text);
    const { differences } = await compare(['q\xff\n']);
    expect(differences[0]).toMatchObject({ name: 'q\xff\n', path: 'q\\xff\\x0a' });
    execFileSync('sh', ['-c', 'rm "$1"/q*', 'sh', original]);
  });

  test('that are another file than the scan saw are a difference', async () => {
    const { dev, ino } = statSync(join(original, 'single'));
    const seen = (inode: number) => ({ inodes: new Map([['single', `${dev}:${inode}`]]) });
    expect((await compare(['single'], seen(ino))).differences).toEqual([]);
    expect((await compare(['single'], seen(ino + 1))).differences).toMatchObject([
      { name: 'single', what: 'content', source: expect.stringContaining(`inode ${dev}:${ino}`) },
    ]);
  });

  test('that the scan saw and neither side has any more are a difference: they may come back as old as they were', async () => {
    expect((await compare(['never'])).differences).toEqual([]);
    expect((await compare(['never'], { inodes: new Map([['never', '1:2']]) })).differences).toMatchObject([
      { name: 'never', what: 'missing', source: expect.stringContaining('inode 1:2') },
    ]);
  });

  test('are read in several processes when they are many, with each hard link seen', async () => {
    for (const top of [original, copy]) {
      mkdirSync(join(top, 'many'));
      sh('seq -f "f%g" 5000 | xargs touch -d @1; ln f1 twin; touch -d @1 .', join(top, 'many'));
    }
    const names = [...Array.from({ length: 5000 }, (_, index) => `many/f${index + 1}`), 'many/twin'];
    const seen: number[] = [];
    const found = await compare(names, { progress: ({ done }) => seen.push(done) });
    expect(found).toMatchObject({ differences: [], entries: 5001, filesRead: 5001 });
    expect(seen.at(-1)).toBe(5001);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    sh('cp -a many/f1 x; mv x many/f1; printf y >many/f4999; touch -d @1 many/f4999');
    expect((await compare(names)).differences.map(({ name, what }) => `${name} ${what}`)).toEqual([
      'many/f4999 content',
      'many/twin hard-links',
    ]);
    execFileSync('rm', ['-r', join(original, 'many')]);
  });

  test('with fifos, devices and sockets among them are not waited for', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(original, 'app.sock'), resolve));
    try {
      expect((await compare(['fifo', 'null', 'loop', 'app.sock'])).differences).toEqual([]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe('what cannot be known', () => {
  const through = (from: string, to: string): Host => ({
    name: 'odd',
    run: (argv, options) =>
      host.run(
        argv.map((part) => part.replaceAll(from, to)),
        options,
      ),
  });

  test('is said: attributes on a machine without getfattr', async () => {
    sh('setfattr -n user.x -v 2 file');
    const found = await compare(['file'], {}, through('command -v getfattr', 'command -v no-such-tool'));
    expect(found).toMatchObject({ differences: [], attributesCompared: false });
  });

  test('is an error: a find that is not there, or that says nothing, is not an empty tree', async () => {
    await expect(compare(['file'], {}, through('find "$@"', 'no-such-find "$@"'))).rejects.toMatchObject({
      code: 'verify/unreadable',
    });
    await expect(compare(['file'], {}, through('find "$@"', 'true "$@"'))).rejects.toMatchObject({
      code: 'verify/unreadable-output',
    });
  });

  test('is a difference: a file that no tool could read', async () => {
    const { differences } = await compare(['file'], {}, through('xxhsum', 'no-such-sum'));
    expect(differences).toMatchObject([{ what: 'content', source: 'not read', target: 'not read' }]);
  });

  describe('that is begun while the target is written to', () => {
    const now = Promise.resolve();
    const readers = (parts: readonly Part[], on: Host = host, signal = going.signal) => {
      const opened = openReaders(sides(on), 'xxh128', signal);
      opened.begin(parts);
      return opened;
    };
    const watched = () => {
      const ran: Promise<unknown>[] = [];
      const on: Host = {
        name: 'here',
        run(argv, options) {
          const running = host.run(argv, options);
          ran.push(running.catch((error: unknown) => error));
          return running;
        },
      };
      return { on, ran };
    };

    test('finds the same', async () => {
      sh('echo other >file');
      for (const names of [['file', 'link', 'nowhere'], []])
        expect(await compare(names, { readers: readers([{ names, written: now }]) })).toEqual(
          await compare(names),
        );
      const many = Array.from({ length: 5000 }, (_, index) => `no-${index}`);
      const parts = [
        { names: many, written: now },
        { names: ['file'], written: now },
      ];
      const opened = await compare([...many, 'file'], { readers: readers(parts) });
      expect(opened.differences.map(({ name }) => name)).toEqual(['file', 'file']);
      sh('cp -p ../original/file file');
    });

    test('is refused for a name that they were not given', async () => {
      await expect(
        compare(['file', 'nowhere'], { readers: readers([{ names: ['file'], written: now }]) }),
      ).rejects.toThrow('nowhere is to be compared, and is not read');
    });

    test('reads of the target only what is not written to any more', async () => {
      sh('echo other >file; setfattr -x user.x file');
      const writing = Promise.withResolvers<void>();
      const begun = readers([
        { names: ['link', 'single'], written: now },
        { names: ['file'], written: writing.promise },
      ]);
      const read: number[] = [];
      const result = compare(['file', 'link', 'single'], {
        readers: begun,
        progress: ({ done }) => read.push(done),
      });
      await expect.poll(() => read.at(-1), { timeout: 5000 }).toBe(2);
      sh('cp -p ../original/file file; setfattr -n user.x -v 1 file; setfacl -m u:7:r file');
      sh('rm other-name; ln file other-name');
      writing.resolve();
      expect((await result).differences).toEqual([]);
      expect(read.at(-1)).toBe(3);
    });

    test('ends when the last pass fails, or is told to', async () => {
      const { on, ran } = watched();
      const failed = Promise.reject(new Error('rsync ended with 12'));
      const parts = [{ names: ['file'], written: failed }];
      await expect(compare(['file'], { readers: readers(parts, on) })).rejects.toThrow('rsync ended');
      for (const closed of [
        readers([{ names: ['file'], written: new Promise(() => {}) }], on),
        openReaders(sides(on), 'xxh128', going.signal),
      ]) {
        closed.close();
        await expect(closed.source).rejects.toThrow();
        await expect(closed.target).rejects.toThrow();
      }
      await Promise.all(ran);
      expect(ran.length).toBe(9);
    });

    test('opens another connection where the one that waited was lost', async () => {
      let runs = 0;
      const losing: Host = {
        name: 'here',
        run(argv, options) {
          runs += 1;
          return runs === 1 ? Promise.reject(new Error('the connection was lost')) : host.run(argv, options);
        },
      };
      const begun = openReaders(sides(losing), 'xxh128', going.signal);
      await setImmediate();
      begun.begin([{ names: ['file'], written: now }]);
      expect(await compare(['file'], { readers: begun })).toEqual(await compare(['file']));
      expect(runs).toBe(4);
    });

    test('is given up with the run', async () => {
      const stop = new AbortController();
      const begun = readers([{ names: ['file'], written: now }], host, stop.signal);
      stop.abort();
      await expect(compare(['file'], { readers: begun, signal: stop.signal })).rejects.toMatchObject({
        code: 'ssh/aborted',
      });
      await expect(compare(['file'], { signal: stop.signal })).rejects.toThrow();
    });
  });

  test('is an error: a tree that is not there', async () => {
    const gone = { host, path: join(disk.path, 'nowhere'), exclude: [] };
    await expect(
      compareListed({ source: gone, target: gone }, ['file'], { algorithm: 'xxh128', topIsShare: false }),
    ).rejects.toMatchObject({ code: 'verify/unreadable', next: [expect.stringContaining('ls -la')] });
  });
});
