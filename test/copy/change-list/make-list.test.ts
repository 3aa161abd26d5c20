import { describe, expect, test } from 'vitest';
import type { Seen } from '../../../src/copy/change-list/look.ts';
import { halfLinked, halves, inPlace, makeList } from '../../../src/copy/change-list/make-list.ts';

/** `name: type`, with an inode of its own. */
const seen = (entries: Readonly<Record<string, string>>): Map<string, Seen> =>
  new Map(Object.entries(entries).map(([name, type]) => [name, { type, inode: `1:${name}`, links: 1 }]));
const none = seen({});

describe('the list of a pass', () => {
  test('has what is carried, directories before what is in them', () => {
    const carry = seen({ 'a/b/c': 'f', 'a/b': 'd', z: 'f' });
    expect(makeList({ carry, present: none, target: none })).toEqual({
      names: ['a/b', 'a/b/c', 'z'],
      gone: [],
      emptied: [],
      top: true,
    });
  });

  test('has what the target has in a changed directory and the source has not', () => {
    const made = makeList({
      carry: seen({ a: 'd' }),
      present: seen({ 'a/stays': 'f' }),
      target: seen({ 'a/stays': 'f', 'a/goes': 'f' }),
    });
    expect(made.names).toEqual(['a', 'a/goes']);
    expect(made.gone).toEqual(['a/goes']);
    expect(made.emptied).toEqual([]);
  });

  test('names of a deleted directory only itself, and says that its content goes', () => {
    const made = makeList({
      carry: seen({ a: 'd' }),
      present: none,
      target: seen({ a: 'd', 'a/x': 'd', 'a/x/y': 'd', 'a/x/y/z': 'f', 'a/x-1': 'f' }),
    });
    expect(made.gone).toEqual(['a/x', 'a/x-1']);
    expect(made.emptied).toEqual(['a/x']);
  });

  test('says that the content of a directory goes when a file takes its place, and names none of it', () => {
    const made = makeList({
      carry: seen({ 'a/x': 'f' }),
      present: none,
      target: seen({ 'a/x': 'd', 'a/x/inside': 'f' }),
    });
    expect(made).toMatchObject({ names: ['a/x'], gone: [], emptied: ['a/x'] });
  });

  test('names nothing below what is no directory on the source: rsync could not ask for it', () => {
    const made = makeList({
      carry: seen({ 'a/x': 'l' }),
      present: none,
      target: seen({ 'a/x/inside': 'f' }),
    });
    expect(made.names).toEqual(['a/x']);
  });

  test('leaves the top out of the names, and says when its own metadata is to be carried', () => {
    const list = (entries: Record<string, string>) =>
      makeList({ carry: seen(entries), present: none, target: none });
    expect(list({ '': 'd' })).toMatchObject({ names: [], top: true });
    expect(list({ file: 'f' }).top).toBe(true);
    expect(list({ 'a/file': 'f' }).top).toBe(false);
    expect(list({ directory: 'd' }).top).toBe(false);
  });

  test('keeps names of any bytes as they are', () => {
    const carry = seen({ 'a\n\xff/-rf': 'f' });
    expect(makeList({ carry, present: none, target: none }).names).toEqual(['a\n\xff/-rf']);
  });
});

describe('the closure of hard links', () => {
  const file = (inode: string, links: number): Seen => ({ type: 'f', inode, links });

  test('asks for the other names of an inode of which only some are carried', () => {
    const carry = new Map([
      ['new/a', file('1:7', 3)],
      ['new/b', file('1:7', 3)],
      ['whole', file('1:8', 2)],
      ['other', file('1:8', 2)],
      ['single', file('1:9', 1)],
    ]);
    expect([...halfLinked(carry, new Map())]).toEqual(['1:7']);
  });

  test('asks for none of an inode that the scan named, nor for directories', () => {
    const changed = new Map([['a', file('1:7', 5)]]);
    const carry = new Map([...changed, ['d', { type: 'd', inode: '1:2', links: 4 }]]);
    expect(halfLinked(carry, changed).size).toBe(0);
  });
});

describe('what is written in place', () => {
  const file = (more: Partial<Seen> = {}): Seen => ({
    ...{ type: 'f', inode: '1:7', links: 1, file: { size: 5000, sparse: false } },
    ...more,
  });
  const here = (name: string, source: Seen, target: Seen | undefined) =>
    inPlace(
      new Map([[name, source]]),
      new Map([...seen({ db: 'd' }), ...(target === undefined ? [] : [[name, target] as const])]),
    );

  test('is a file that both sides have, by one name, and without holes', () => {
    expect([...here('db/pages', file(), file())]).toEqual([['db/pages', 5000]]);
  });

  test('is none with another name on either side: that would change with it', () => {
    expect(here('a', file({ links: 2 }), file()).size).toBe(0);
    expect(here('a', file(), file({ links: 2 })).size).toBe(0);
  });

  test('is none with holes: they would be filled', () => {
    expect(here('a', file({ file: { size: 5000, sparse: true } }), file()).size).toBe(0);
  });

  test('is none below what is no directory on the target: a link there leads to another file', () => {
    expect(here('link/pages', file(), file()).size).toBe(0);
    const linked = new Map([...seen({ link: 'l' }), ['link/pages', file()] as const]);
    expect(inPlace(new Map([['link/pages', file()]]), linked).size).toBe(0);
  });

  test('is nothing that the target lacks, or has as something else', () => {
    expect(here('a', file(), undefined).size).toBe(0);
    expect(here('a', file(), { type: 'l', inode: '1:8', links: 1 }).size).toBe(0);
    expect(here('a', { type: 'd', inode: '1:8', links: 1 }, { type: 'd', inode: '1:8', links: 1 }).size).toBe(
      0,
    );
  });

  test('is shared out so that both halves take about as long', () => {
    const small = Array.from({ length: 100 }, (_, index): [string, number] => [`small${index}`, 1000]);
    const [one, other] = halves(new Map([['large', 20_000_000], ...small]));
    expect([...one, ...other]).toHaveLength(101);
    expect(one).toHaveLength(1);
    expect(halves(new Map())).toEqual([[], []]);
  });
});
