import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareManifests } from '../../src/verify/compare.ts';
import type { DigestAlgorithm } from '../../src/verify/digest.ts';
import type { Entry } from '../../src/verify/manifest.ts';
import { createManifest } from '../../src/verify/manifest-file.ts';
import { manifestLine, orderKey } from '../../src/verify/manifest-line.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-manifests-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let nextInode = 1;
function file(change: Partial<Entry> = {}): Entry {
  nextInode += 1;
  return {
    type: 'f',
    mode: '644',
    uid: 1000,
    gid: 100,
    size: 5,
    mtime: '1700000000.123456789',
    ctime: '1700000000.000000000',
    links: 1,
    inode: `1:${nextInode}`,
    digest: 'aa',
    ...change,
  };
}
const directory = (change: Partial<Entry> = {}) => {
  const { digest: _none, ...rest } = file({ type: 'd', mode: '755', links: 2, ...change });
  return rest;
};

interface Tree {
  readonly entries: Readonly<Record<string, Entry>>;
  readonly attributesKnown?: boolean;
  readonly algorithm?: DigestAlgorithm;
}

let files = 0;
/** As takeManifest leaves it. */
async function written({ entries, attributesKnown = true, algorithm = 'sha256' }: Tree): Promise<string> {
  files += 1;
  const file = join(folder, `${files}.gz`);
  const header = { format: 2, host: 'doc1', path: '/data', exclude: [], takenAt: '' } as const;
  const manifest = createManifest(file, { ...header, algorithm, attributesKnown });
  const sorted = Object.entries(entries).sort(([a], [b]) => (orderKey(a) < orderKey(b) ? -1 : 1));
  for (const [path, entry] of sorted) await manifest.write(manifestLine(path, entry));
  await manifest.finish();
  return file;
}

async function compared(source: Tree, target: Tree, topIsShare = false) {
  return compareManifests(await written(source), await written(target), { topIsShare });
}

async function differences(source: Record<string, Entry>, target: Record<string, Entry>, topIsShare = false) {
  const { first } = await compared({ entries: source }, { entries: target }, topIsShare);
  return first.map(({ path, what }) => `${path} ${what}`);
}

describe('two trees', () => {
  test('that are the same have no differences', async () => {
    expect(await differences({ '': directory(), a: file() }, { '': directory(), a: file() })).toEqual([]);
  });

  test.each([
    ['content', { digest: 'bb' }],
    ['content', { size: 6 }],
    ['mode', { mode: '600' }],
    ['owner', { gid: 101 }],
    ['mtime', { mtime: '1700000000.123456788' }],
    ['acl', { attributes: { 'system.posix_acl_access': '02' } }],
    ['xattr', { attributes: { 'security.capability': '01' } }],
    ['type', { type: 'p' as const }],
  ])('that differ in %s say so', async (what, change) => {
    expect(await differences({ a: file() }, { a: file(change) })).toEqual([`a ${what}`]);
    expect(await differences({ a: file(change) }, { a: file() })).toEqual([`a ${what}`]);
  });

  test('differ when a file was read on one side only', async () => {
    const { digest: _none, ...unread } = file();
    expect(await differences({ a: file() }, { a: unread })).toEqual(['a content']);
  });

  test('differ in missing and unexpected entries', async () => {
    expect(await differences({ a: file() }, { b: file() })).toEqual(['a missing', 'b unexpected']);
  });

  test('differ in where a link points, but not in the mode of a link', async () => {
    const link = (to: string, mode: string) => ({ ...directory({ type: 'l', links: 1 }), link: to, mode });
    expect(await differences({ l: link('x', '777') }, { l: link('x', '755') })).toEqual([]);
    expect(await differences({ l: link('x', '777') }, { l: link('y', '777') })).toEqual(['l link-target']);
  });

  test('differ in device numbers', async () => {
    const device = (number: string) => ({ ...directory({ type: 'c', links: 1 }), device: number });
    expect(await differences({ n: device('1:3') }, { n: device('1:5') })).toEqual(['n device']);
  });

  test('have times of directories compared to the second', async () => {
    expect(await differences({ d: directory() }, { d: directory({ mtime: '1700000000.9' }) })).toEqual([]);
    expect(await differences({ d: directory() }, { d: directory({ mtime: '1700000001.0' }) })).toEqual([
      'd mtime',
    ]);
  });

  test('differ where a hard link was broken, and where one was made', async () => {
    const linked = { a: file({ inode: '1:1', links: 2 }), b: file({ inode: '1:1', links: 2 }) };
    const apart = { a: file(), b: file() };
    expect(
      await differences(linked, { a: file({ inode: '9:9', links: 2 }), b: file({ inode: '9:9', links: 2 }) }),
    ).toEqual([]);
    expect(await differences(linked, apart)).toEqual(['b hard-links']);
    expect(await differences(apart, linked)).toEqual(['b hard-links']);
  });

  test('do not differ in names of a file that lie outside the tree', async () => {
    expect(await differences({ a: file({ links: 2 }) }, { a: file() })).toEqual([]);
  });

  test('leave sockets out, by name', async () => {
    const socket = directory({ type: 's' });
    const found = await compared({ entries: { s: socket } }, { entries: { t: socket } });
    expect(found).toMatchObject({ differences: 0, sockets: ['s'] });
    expect((await compared({ entries: { s: socket } }, { entries: { s: socket } })).sockets).toEqual(['s']);
    expect(await differences({ s: socket }, { s: file() })).toEqual(['s type']);
  });

  test('let the top of a share have its own owner, mode and time', async () => {
    const own = directory({ uid: 0, mode: '750', mtime: '1.0' });
    expect(await differences({ '': directory() }, { '': own }, true)).toEqual([]);
    expect(await differences({ '': directory() }, { '': own }, false)).toEqual([
      '. mode',
      '. owner',
      '. mtime',
    ]);
  });

  test('are not compared in attributes when a side cannot tell them', async () => {
    const source = { entries: { a: file({ attributes: { 'user.a': '1' } }) } };
    const target = { entries: { a: file() }, attributesKnown: false };
    expect(await compared(source, target)).toMatchObject({ differences: 0, attributesCompared: false });
  });

  test('differ where a file was read on neither side', async () => {
    const { digest: _none, ...unread } = file();
    expect(await differences({ a: unread }, { a: unread })).toEqual(['a content']);
  });

  test('are walked side by side whatever is missing, in whatever order names sort', async () => {
    const names = ['', 'a', 'a/-x', 'a/b', 'a-b', 'b', '\xff', 'é', 'new\nline', 'quote"', 'back\\slash'];
    const all = Object.fromEntries(names.map((name) => [name, file()]));
    for (const name of names) {
      const { [name]: _gone, ...rest } = all;
      const [only] = (await compared({ entries: all }, { entries: rest })).first;
      expect(only).toMatchObject({ name, what: 'missing' });
      expect((await compared({ entries: rest }, { entries: all })).first).toMatchObject([
        { name, what: 'unexpected' },
      ]);
    }
    expect(await differences(all, {})).toHaveLength(names.length);
  });

  test('are counted to the last difference, and listed to the thousandth', async () => {
    const many = Object.fromEntries(Array.from({ length: 1500 }, (_, index) => [`f${index}`, file()]));
    const seen: string[] = [];
    const found = await compareManifests(await written({ entries: many }), await written({ entries: {} }), {
      topIsShare: false,
      onDifference: ({ name }) => seen.push(name),
    });
    expect(found.differences).toBe(1500);
    expect(found.first).toHaveLength(1000);
    expect(new Set(seen).size).toBe(1500);
  });

  test('are counted by the directories at their top', async () => {
    const entries = {
      '': directory(),
      a: directory(),
      'a/x': file({ size: 7 }),
      'a/y/z': file({ size: 1 }),
      'a-b': directory(),
      'quo"te': directory(),
      'quo"te/x': file(),
      top: file({ size: 3 }),
      'a/sock': directory({ type: 's' }),
    };
    const { tops } = await compared({ entries }, { entries });
    expect(tops).toEqual([
      { name: '', entries: 2, files: 1, bytes: 3 },
      { name: 'a-b', entries: 1, files: 0, bytes: 0 },
      { name: 'a', entries: 3, files: 2, bytes: 8 },
      { name: 'quo"te', entries: 2, files: 1, bytes: 5 },
    ]);
  });

  test('with digests of two kinds are not compared at all', async () => {
    const entries = { a: file() };
    await expect(compared({ entries }, { entries, algorithm: 'xxh128' })).rejects.toMatchObject({
      code: 'verify/manifest',
      next: [expect.stringContaining('drayage verify')],
    });
  });
});
