import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Host } from '../../../src/ssh/host.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import type { TreesProgress } from '../../../src/verify/compare-trees.ts';
import { fullComparison } from '../../support/full-comparison.ts';
import { type LoopMount, loopMount } from '../../support/loop-mount.ts';
import { makeTree } from '../../support/random-tree.ts';
import { changeCases } from './change-cases.ts';

const host = controllerHost('here');
const sides = (source: string, target: string, on: Host = host, exclude: readonly string[] = []) => ({
  source: { host: on, path: source, exclude },
  target: { host: on, path: target, exclude },
});
const copyTree = (from: string, to: string) =>
  execFileSync('rsync', [
    '-aHAXS',
    '--numeric-ids',
    '--delete',
    '--modify-window=-1',
    '--checksum',
    `${from}/`,
    `${to}/`,
  ]);

describe.each(['ext4', 'xfs', 'btrfs'] as const)('on %s, one change on the target', (fileSystem) => {
  let disk: LoopMount;
  let original: string;
  let copy: string;
  beforeAll(() => {
    disk = loopMount(fileSystem);
    original = join(disk.path, 'original');
    copy = join(disk.path, 'copy');
    makeTree(original, 42);
    writeFileSync(join(original, 'file'), 'content');
    execFileSync('setfacl', ['-m', 'u:7:r', join(original, 'file')]);
    execFileSync('setfattr', ['-n', 'user.x', '-v', '1', join(original, 'file')]);
    execFileSync('sh', ['-c', 'ln -s file link; ln file other-name; touch single; mkdir folder'], {
      cwd: original,
    });
  });
  afterAll(() => disk?.unmount());
  beforeEach(() => copyTree(original, copy));

  test.each(changeCases)('of %s is the only difference', async (_what, script, expected) => {
    expect((await fullComparison(sides(original, copy))).list).toEqual([]);
    execFileSync('sh', ['-euc', script], { cwd: copy, stdio: 'pipe' });
    const { list, differences } = await fullComparison(sides(original, copy), { topIsShare: true });
    expect(list.map(({ path, what }) => `${path} ${what}`)).toEqual(expected);
    expect(differences).toBe(expected.length);
  });

  test.each(['xxh128', 'blake3', 'sha256'] as const)('is found by %s too', async (algorithm) => {
    execFileSync('sh', ['-euc', 'touch -r file ../time; printf CONTENT >file; touch -r ../time file'], {
      cwd: copy,
    });
    const result = await fullComparison(sides(original, copy), { algorithm });
    expect(result.algorithm).toBe(algorithm);
    expect(result.list.map(({ name, what }) => `${name} ${what}`)).toEqual([
      'file content',
      'other-name content',
    ]);
    expect(result.list[0]?.source).toMatch(new RegExp(`^${algorithm} [0-9a-f]+$`));
  });

  test('leaves the rest equal, and progress goes to its end and never back', async () => {
    const seen: TreesProgress[] = [];
    const result = await fullComparison(sides(original, copy), { progress: (now) => seen.push(now) });
    const { files, bytes } = result.counts;
    expect(result.list).toEqual([]);
    expect(result.attributesCompared).toBe(true);
    expect(seen.at(-1)).toEqual({
      files: { done: files, total: files },
      bytes: { done: bytes, total: bytes },
    });
    for (const what of ['files', 'bytes'] as const) {
      const done = seen.map((now) => now[what].done);
      expect(done).toEqual(done.toSorted((a, b) => a - b));
      expect(new Set(seen.map((now) => now[what].total)).size).toBe(1);
    }
    expect(result.counts.filesRead).toBe(files);
    expect(files).toBeGreaterThan(70);
  });
});

describe('trees that are hard to read', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-hard-'));
    mkdirSync(join(folder, 'a'));
    mkdirSync(join(folder, 'b'));
  });
  afterEach(() => execFileSync('rm', ['-rf', '--', folder]));
  const both = (on: Host = host, exclude: readonly string[] = []) =>
    sides(join(folder, 'a'), join(folder, 'b'), on, exclude);

  test.each([
    ['longer than PATH_MAX', 24],
    ['of about 4,000 bytes', 19],
  ])('with paths %s are read to their end', async (_what, depth) => {
    const name = 'n'.repeat(200);
    const deep = `cd -P "$1"; i=0; while [ $i -lt ${depth} ]; do mkdir ${name}; cd -P ./${name} 2>/dev/null; i=$((i+1)); done; printf "$2" >deepest; touch -d @1 deepest; ln deepest other; setfattr -n user.deep -v "$3" deepest`;
    for (const [side, content, note] of [
      ['a', 'one', 'x'],
      ['b', 'two', 'y'],
    ] as const) {
      execFileSync('bash', ['-c', deep, 'bash', join(folder, side), content, note], { stdio: 'pipe' });
    }
    const { list } = await fullComparison(both(), { topIsShare: true });
    for (const end of ['/deepest', '/other']) {
      const found = list.filter(({ path }) => path.endsWith(end));
      expect(found.map(({ what }) => what)).toEqual(['content', 'xattr']);
      expect(found[0]?.path.length).toBeGreaterThan(201 * depth);
    }
  });

  test('with a socket list it by name and compare the rest', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, 'a', 'app.sock'), resolve));
    try {
      const found = await fullComparison(both(), { topIsShare: true });
      expect(found.sockets).toEqual(['app.sock']);
      expect(found.list).toEqual([]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('that are not there are an error, not an empty tree', async () => {
    await expect(fullComparison(sides(join(folder, 'nowhere'), join(folder, 'b')))).rejects.toMatchObject({
      code: 'verify/unreadable',
      next: [expect.stringContaining('ls -la')],
    });
  });

  test('leave out what is excluded, contents and attributes too, whatever its name', async () => {
    for (const side of ['a', 'b']) {
      mkdirSync(join(folder, side, 'st*re', 'x'), { recursive: true });
      mkdirSync(join(folder, side, 'store'));
      writeFileSync(join(folder, side, 'st*re', 'x', 'f'), side);
      execFileSync('setfattr', ['-n', 'user.x', '-v', side, join(folder, side, 'st*re', 'x')]);
    }
    const { list, counts } = await fullComparison(both(host, ['/st*re']), { topIsShare: true });
    expect(list).toEqual([]);
    expect(counts.entries).toBe(2);
  });

  test('on a machine without getfattr say that attributes were not compared', async () => {
    writeFileSync(join(folder, 'a', 'f'), 'x');
    execFileSync('setfattr', ['-n', 'user.x', '-v', '1', join(folder, 'a', 'f')]);
    execFileSync('cp', ['-a', '--no-preserve=xattr', join(folder, 'a', 'f'), join(folder, 'b', 'f')]);
    const bare: Host = {
      name: 'bare',
      run: (argv, options) =>
        host.run(
          argv.map((part) => part.replaceAll('command -v getfattr', 'command -v no-such-tool')),
          options,
        ),
    };
    const found = await fullComparison(both(bare), { topIsShare: true });
    expect(found).toMatchObject({ attributesCompared: false, differences: 0 });
    expect((await fullComparison(both(), { topIsShare: true })).list).toMatchObject([{ what: 'xattr' }]);
  });

  test('whose tool dies in the middle are not compared at all', async () => {
    for (const side of ['a', 'b']) writeFileSync(join(folder, side, 'f'), 'x');
    const dying: Host = {
      name: 'dying',
      run: (argv, options) =>
        argv.some((part) => part.includes('xargs -0 -r -n "$@"'))
          ? host.run(['sh', '-c', 'head -c 3 >/dev/null; kill -9 $$'], options)
          : host.run(argv, options),
    };
    await expect(fullComparison(both(dying))).rejects.toMatchObject({ code: 'verify/unreadable' });
  });

  test('without room for the lists say which folder is full', async () => {
    writeFileSync(join(folder, 'a', 'f'), 'x');
    await expect(fullComparison(both(), { folder: join(folder, 'nowhere') })).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});
