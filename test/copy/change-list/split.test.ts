import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ancestors, hasAncestorIn } from '../../../src/copy/change-list/names.ts';
import { halfOf } from '../../../src/copy/change-list/split.ts';

/** So many directories in a directory, and it itself. */
const tree = (name: string, count: number) => [
  ...(name === '' ? [''] : [name]),
  ...Array.from({ length: count }, (_, index) => `${name === '' ? '' : `${name}/`}d${index}`),
];

const below = (taken: readonly string[], all: readonly string[]) => {
  const set = new Set(taken);
  return all.filter((name) => set.has(name) || hasAncestorIn(name, set)).length;
};

test('a second walk takes over about half of the directories', () => {
  const apps = ['', ...[10, 300, 20, 150, 90].flatMap((count, index) => tree(`app${index}`, count))];
  const share = below(halfOf(apps, []), apps) / apps.length;
  expect(share).toBeGreaterThan(0.4);
  expect(share).toBeLessThan(0.6);
});

test('where one directory has nearly everything, it is divided', () => {
  const all = ['', 'a', 'a/b', ...tree('a/b/c', 500), ...tree('a/b/d', 400)];
  expect(halfOf(all, [])).toEqual(['a/b/d']);
});

test('a small tree, and one that cannot be divided, are walked through once', () => {
  expect(halfOf(['', 'a', 'b', 'c', 'd', 'e', 'f', 'g'], [])).toEqual([]);
  const chain = Array.from({ length: 1000 }, (_, depth) =>
    Array.from({ length: depth + 1 }, () => 'd').join('/'),
  );
  expect(halfOf(chain, [])).toEqual([]);
});

test('what is excluded is not entered, nor what is in it', () => {
  const all = ['', ...tree('keep', 200), ...tree('cache', 200), ...tree('data', 10)];
  expect(halfOf(all, ['cache'])).toEqual(['keep']);
  expect(
    halfOf(
      all.map((name) => (name === '' ? '' : `top/${name}`)),
      ['top'],
    ),
  ).toEqual([]);
});

test('no name that a shell, a locale or a pattern could take for something else', () => {
  const strange = ['a b', 'ü', '\xff', 'n\nl', 'x'.repeat(300)];
  const all = ['', ...strange.flatMap((name) => tree(name, 200))];
  expect(halfOf(all, [])).toEqual([]);
});

test('never more than there is, none below another, and never more than half', () => {
  const name = fc.array(fc.constantFrom('a', 'b', 'c', 'dd'), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(name, { maxLength: 400 }), (paths) => {
      const all = new Set(['']);
      for (const path of paths) {
        all.add(path.join('/'));
        for (const above of ancestors(path.join('/'))) all.add(above);
      }
      const taken = halfOf(all, []);
      const set = new Set(taken);
      expect(taken.every((one) => all.has(one) && !hasAncestorIn(one, set))).toBe(true);
      expect(below(taken, [...all])).toBeLessThanOrEqual(all.size / 2);
    }),
  );
});
