import { describe, expect, test } from 'vitest';
import { compareManifests } from '../../src/verify/compare.ts';
import type { Entry, Manifest } from '../../src/verify/manifest.ts';

let nextInode = 1;
function file(change: Partial<Entry> = {}): Entry {
  nextInode += 1;
  return {
    type: 'f',
    mode: '644',
    uid: 1000,
    gid: 100,
    size: 5,
    mtime: '1700000000.1234567890',
    ctime: 1700000000,
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

function tree(entries: Record<string, Entry>): Manifest {
  return { entries: new Map(Object.entries(entries)), attributesKnown: true };
}
function differences(source: Record<string, Entry>, target: Record<string, Entry>, topIsShare = false) {
  return compareManifests(tree(source), tree(target), { topIsShare }).differences.map(
    ({ path, what }) => `${path} ${what}`,
  );
}

describe('two trees', () => {
  test('that are the same have no differences', () => {
    expect(differences({ '': directory(), a: file() }, { '': directory(), a: file() })).toEqual([]);
  });

  test.each([
    ['content', { digest: 'bb' }],
    ['content', { size: 6 }],
    ['mode', { mode: '600' }],
    ['owner', { gid: 101 }],
    ['mtime', { mtime: '1700000000.1234567891' }],
    ['acl', { attributes: { 'system.posix_acl_access': '02' } }],
    ['xattr', { attributes: { 'security.capability': '01' } }],
    ['type', { type: 'p' as const }],
  ])('that differ in %s say so', (what, change) => {
    expect(differences({ a: file() }, { a: file(change) })).toEqual([`a ${what}`]);
    expect(differences({ a: file(change) }, { a: file() })).toEqual([`a ${what}`]);
  });

  test('differ when a file was read on one side only', () => {
    const { digest: _none, ...unread } = file();
    expect(differences({ a: file() }, { a: unread })).toEqual(['a content']);
  });

  test('differ in missing and unexpected entries', () => {
    expect(differences({ a: file() }, { b: file() })).toEqual(['a missing', 'b unexpected']);
  });

  test('differ in where a link points, but not in the mode of a link', () => {
    const link = (to: string, mode: string) => ({ ...directory({ type: 'l', links: 1 }), link: to, mode });
    expect(differences({ l: link('x', '777') }, { l: link('x', '755') })).toEqual([]);
    expect(differences({ l: link('x', '777') }, { l: link('y', '777') })).toEqual(['l link-target']);
  });

  test('differ in device numbers', () => {
    const device = (number: string) => ({ ...directory({ type: 'c', links: 1 }), device: number });
    expect(differences({ n: device('1:3') }, { n: device('1:5') })).toEqual(['n device']);
  });

  test('have times of directories compared to the second', () => {
    expect(differences({ d: directory() }, { d: directory({ mtime: '1700000000.9' }) })).toEqual([]);
    expect(differences({ d: directory() }, { d: directory({ mtime: '1700000001.0' }) })).toEqual(['d mtime']);
  });

  test('differ where a hard link was broken, and where one was made', () => {
    const linked = { a: file({ inode: '1:1', links: 2 }), b: file({ inode: '1:1', links: 2 }) };
    const apart = { a: file(), b: file() };
    expect(
      differences(linked, { a: file({ inode: '9:9', links: 2 }), b: file({ inode: '9:9', links: 2 }) }),
    ).toEqual([]);
    expect(differences(linked, apart)).toEqual(['b hard-links']);
    expect(differences(apart, linked)).toEqual(['b hard-links']);
  });

  test('do not differ in names of a file that lie outside the tree', () => {
    expect(differences({ a: file({ links: 2 }) }, { a: file() })).toEqual([]);
  });

  test('leave sockets out, by name', () => {
    const socket = directory({ type: 's' });
    const found = compareManifests(tree({ s: socket }), tree({ t: socket }), { topIsShare: false });
    expect(found).toEqual({ differences: [], sockets: ['s'] });
  });

  test('let the top of a share have its own owner, mode and time', () => {
    const own = directory({ uid: 0, mode: '750', mtime: '1.0' });
    expect(differences({ '': directory() }, { '': own }, true)).toEqual([]);
    expect(differences({ '': directory() }, { '': own }, false)).toEqual(['. mode', '. owner', '. mtime']);
  });

  test('are not compared in attributes when a side cannot tell them', () => {
    const source = { ...tree({ a: file({ attributes: { 'user.a': '1' } }) }), attributesKnown: true };
    const target = { ...tree({ a: file() }), attributesKnown: false };
    expect(compareManifests(source, target, { topIsShare: false }).differences).toEqual([]);
  });
});
