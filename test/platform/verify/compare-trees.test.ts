import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Host } from '../../../src/ssh/host.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import { compareTrees } from '../../../src/verify/compare-trees.ts';
import { writeManifest } from '../../../src/verify/manifest-file.ts';
import { pickSample, readSample } from '../../../src/verify/sample.ts';
import { type LoopMount, loopMount } from '../../support/loop-mount.ts';
import { makeTree } from '../../support/random-tree.ts';

const host = controllerHost('here');
let disk: LoopMount;
let original: string;
let copy: string;

const full = { kind: 'full' } as const;
const sides = (source = original, target = copy, on: Host = host) => ({
  source: { host: on, path: source, exclude: [] },
  target: { host: on, path: target, exclude: [] },
});
const sh = (script: string) => execFileSync('sh', ['-euc', script], { cwd: copy, stdio: 'pipe' });

beforeAll(() => {
  disk = loopMount('ext4');
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

describe('one change on the target', () => {
  const keepTime = (change: string, path = 'file') =>
    `touch -r ${path} ../time; ${change}; touch -h -r ../time ${path}`;
  test.each([
    ['content', keepTime('printf CONTENT >file'), ['file content', 'other-name content']],
    ['mode', 'chmod 0600 single', ['single mode']],
    ['owner', 'chown 5:6 single', ['single owner']],
    ['mtime', 'touch -d @1700000000.000000001 single', ['single mtime']],
    ['acl', 'setfacl -m u:7:- file', ['file acl', 'other-name acl']],
    ['xattr', 'setfattr -n user.x -v 2 file', ['file xattr', 'other-name xattr']],
    [
      'a capability',
      'setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= single',
      ['single xattr'],
    ],
    [
      'link-target',
      keepTime('rm link; ln -s other link', 'link').replace('touch -r', 'touch -h -r'),
      ['link link-target'],
    ],
    [
      'device',
      keepTime(
        'rm null; mknod null c 1 5; chown --reference=../original/null null; chmod --reference=../original/null null',
        'null',
      ),
      ['null device'],
    ],
    ['type', 'rm single; mkdir single', ['single type']],
    ['missing', 'rm single', ['single missing']],
    ['unexpected', 'touch "$(printf "odd\\nx")"', ['odd\\x0ax unexpected']],
    ['hard-links', 'cp -a file broken; mv broken other-name', ['other-name hard-links']],
  ])('of %s is the only difference', async (_what, script, expected) => {
    expect((await compareTrees(sides(), full, { topIsShare: false })).differences).toEqual([]);
    sh(script);
    const { differences } = await compareTrees(sides(), full, { topIsShare: true });
    expect(differences.map(({ path, what }) => `${path} ${what}`)).toEqual(expected);
  });

  test('below a file system without content is found by reading, and progress comes to its end', async () => {
    const seen: { files: { done: number; total: number } }[] = [];
    const result = await compareTrees(sides(), full, {
      topIsShare: false,
      progress: (progress) => seen.push(progress),
    });
    expect(seen.at(-1)?.files.done).toBeLessThanOrEqual(result.counts.filesRead);
    expect(result.counts.filesRead).toBe(result.counts.files);
    expect(result.counts.files).toBeGreaterThan(70);
  });
});

describe('the scope of changes', () => {
  test('reads what the source changed, what the target wrote, and nothing else', async () => {
    const now = Math.floor(Date.now() / 1000);
    execFileSync('sleep', ['2']);
    // Same size, same mtime: only reading tells.
    utimesSync(join(original, 'single'), 1_600_000_000, 1_600_000_000);
    writeFileSync(join(copy, 'single'), '');
    utimesSync(join(copy, 'single'), 1_600_000_000, 1_600_000_000);
    const far = now + 1000;
    const none = await compareTrees(
      sides(),
      { kind: 'changed', sourceSince: far, targetSince: far },
      { topIsShare: true },
    );
    expect(none.counts.filesRead).toBe(0);
    const source = await compareTrees(
      sides(),
      { kind: 'changed', sourceSince: now + 2, targetSince: far },
      { topIsShare: true },
    );
    expect(source.counts.filesRead).toBe(1);
    const target = await compareTrees(
      sides(),
      { kind: 'changed', sourceSince: far, targetSince: now + 2 },
      { topIsShare: true },
    );
    expect(target.counts.filesRead).toBe(1);
  });
});

describe('trees that are hard to read', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-hard-'));
  });
  afterEach(() => execFileSync('rm', ['-rf', '--', folder]));

  test('with paths longer than PATH_MAX are read to their end', async () => {
    const name = 'n'.repeat(200);
    const deep = `cd -P "$1"; i=0; while [ $i -lt 24 ]; do mkdir ${name}; cd -P ./${name} 2>/dev/null; i=$((i+1)); done; printf "$2" >deepest; touch -d @1 deepest; setfattr -n user.deep -v "$3" deepest`;
    for (const [side, content, note] of [
      ['a', 'one', 'x'],
      ['b', 'two', 'y'],
    ] as const) {
      mkdirSync(join(folder, side));
      execFileSync('bash', ['-c', deep, 'bash', join(folder, side), content, note], { stdio: 'pipe' });
    }
    const found = await compareTrees(sides(join(folder, 'a'), join(folder, 'b')), full, { topIsShare: true });
    const deepest = found.differences.filter(({ path }) => path.endsWith('/deepest'));
    expect(deepest.map(({ what }) => what)).toEqual(['content', 'xattr']);
    expect(deepest[0]?.path.length).toBeGreaterThan(4096);
  });

  test('with a socket list it by name and compare the rest', async () => {
    mkdirSync(join(folder, 'a'));
    mkdirSync(join(folder, 'b'));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, 'a', 'app.sock'), resolve));
    try {
      const found = await compareTrees(sides(join(folder, 'a'), join(folder, 'b')), full, {
        topIsShare: true,
      });
      expect(found.sockets).toEqual(['app.sock']);
      expect(found.differences).toEqual([]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('that are not there are an error, not an empty tree', async () => {
    await expect(
      compareTrees(sides(join(folder, 'a'), copy), full, { topIsShare: false }),
    ).rejects.toMatchObject({
      code: 'verify/unreadable',
      next: [expect.stringContaining('ls -la')],
    });
  });

  test('on a machine without getfattr say that attributes were not compared', async () => {
    const without: Host = {
      name: 'bare',
      run: (argv, options) =>
        argv.includes('command -v getfattr')
          ? Promise.resolve({ exitCode: 127, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) })
          : host.run(argv, options),
    };
    const found = await compareTrees(sides(original, copy, without), full, { topIsShare: false });
    expect(found.attributesCompared).toBe(false);
    expect(found.differences).toEqual([]);
  });

  test('leave a manifest as evidence, one line per entry', async () => {
    const { source } = await compareTrees(sides(), full, { topIsShare: false });
    await writeManifest(source, join(folder, 'manifest.gz'));
    const lines = gunzipSync(readFileSync(join(folder, 'manifest.gz')))
      .toString()
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(source.entries.size);
    expect(lines.map((line) => JSON.parse(line)).find(({ path }) => path === 'file')).toMatchObject({
      type: 'f',
      size: 7,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    rmSync(join(folder, 'manifest.gz'));
  });
});

describe('a sample read elsewhere', () => {
  test('is always the same for the same tree, and equal where the tree is', async () => {
    const { source } = await compareTrees(sides(), full, { topIsShare: false });
    const sample = pickSample(source, 20);
    expect(sample).toHaveLength(20);
    expect(pickSample(source, 20)).toEqual(sample);
    expect(await readSample(host, copy, source, sample)).toEqual([]);
  });

  test('names the file whose bytes are others', async () => {
    const { source } = await compareTrees(sides(), full, { topIsShare: false });
    writeFileSync(join(copy, 'file'), 'CONTENT');
    expect(await readSample(host, copy, source, ['single', 'file'])).toEqual(['file']);
  });

  test('that cannot be read says where to look', async () => {
    const { source } = await compareTrees(sides(), full, { topIsShare: false });
    await expect(readSample(host, join(disk.path, 'nowhere'), source, ['file'])).rejects.toMatchObject({
      code: 'verify/no-sample',
      next: [expect.stringContaining('findmnt')],
    });
  });
});
