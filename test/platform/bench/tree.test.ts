import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { changeTree } from '../../../bench/tree/change.ts';
import { fillTree, type GeneratedTree } from '../../../bench/tree/fill.ts';
import { DatabaseMarks, headerBytes } from '../../../src/inspect/databases.ts';
import { type LoopMount, loopMount } from '../../support/loop-mount.ts';

let mount: LoopMount;
let tree: GeneratedTree;

beforeAll(() => {
  mount = loopMount('ext4');
  mkdirSync(join(mount.path, 'docker'));
  tree = fillTree(join(mount.path, 'docker'), { entries: 4000, bytes: 60e6 });
});

afterAll(() => mount.unmount());

const find = (...argv: string[]) =>
  execFileSync('find', ['.', '-mindepth', '1', ...argv], { cwd: tree.root, maxBuffer: 2 ** 28 })
    .toString('latin1')
    .split('\0')
    .slice(0, -1);

it('has as many entries as asked for, and about as many bytes', () => {
  expect(find('-print0')).toHaveLength(4000);
  expect(tree.counts.entries).toBe(4000);
  expect(tree.counts.bytes / 60e6).toBeGreaterThan(0.9);
  expect(tree.counts.bytes / 60e6).toBeLessThan(1.3);
});

it('counts what is there: directories, hard links, symbolic links, holes, owners', () => {
  const { counts } = tree;
  expect(find('-type', 'd', '-print0')).toHaveLength(counts.directories);
  expect(find('-type', 'l', '-print0')).toHaveLength(counts.symbolicLinks);
  const names = find('-type', 'f', '-links', '+1', '-printf', '%i\\0');
  expect(names.length - new Set(names).size).toBe(counts.hardLinks);
  expect(new Set(find('-printf', '%U:%G\\0')).size).toBe(counts.owners);
  const holes = find('-type', 'f', '-size', '+200k', '-printf', '%s %b\\0').filter((line) => {
    const [size, blocks] = line.split(' ').map(Number) as [number, number];
    return size - blocks * 512 > 100_000;
  });
  expect(holes).toHaveLength(counts.sparseFiles);
  expect(counts.sparseFiles).toBeGreaterThan(3);
});

it('has xattrs, ACLs and capabilities', () => {
  const dump = execFileSync('getfattr', ['-R', '-d', '-m', '-', '.'], { cwd: tree.root }).toString('latin1');
  expect(dump.match(/^user\.note=/gm)).toHaveLength(tree.counts.withXattrs);
  expect(dump.match(/^system\.posix_acl_access=|^system\.posix_acl_default=/gm)).toHaveLength(
    tree.counts.withAcls,
  );
  expect(dump.match(/^security\.capability=/gm)).toHaveLength(3);
});

it('has four directories that the census takes for databases', () => {
  const marks = new DatabaseMarks();
  for (const line of find('-printf', '%y %s %P\\0')) {
    const [, type, size, path] = /^(.) (\d+) (.*)$/s.exec(line) as unknown as [
      string,
      string,
      string,
      string,
    ];
    marks.see(path, type, Number(size));
  }
  for (const [path, journal] of marks.takeCandidates()) {
    const head = readFileSync(join(tree.root, path)).subarray(0, headerBytes);
    marks.header(path, journal, head.toString('latin1'));
  }
  const found = marks.found((path) => path);
  expect(found.map(({ kind, path }) => `${kind}: ${path}`)).toEqual([
    'MariaDB: db/mariadb',
    'PostgreSQL: db/postgres',
    'Prometheus TSDB: db/prometheus',
    'SQLite (WAL): db/vaultwarden/db.sqlite3',
  ]);
});

it('changes as many entries as asked for, each time others, and knows afterwards which files there are', () => {
  for (const seed of [1, 2, 3]) {
    execFileSync('touch', [join(mount.path, 'before')]);
    const before = new Set(find('-print0'));
    expect(changeTree(tree, 300, seed)).toBe(300);
    const touched = find('!', '-type', 'd', '-cnewer', join(mount.path, 'before'), '-print0');
    const after = new Set(find('-print0'));
    const gone = [...before].filter((path) => !after.has(path));
    expect(touched.length).toBeGreaterThan(200);
    expect(gone.length).toBeGreaterThan(40);
    expect(tree.plain.filter((path) => !after.has(`./${path}`))).toEqual([]);
  }
});
