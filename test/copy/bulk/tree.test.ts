import { describe, expect, test } from 'vitest';
import { type Part, Parts } from '../../../src/copy/bulk/parts.ts';
import { scanArgv, scanTree } from '../../../src/copy/bulk/scan.ts';
import { TreeTotals, UnreadableRecord } from '../../../src/copy/bulk/tree.ts';
import type { Host } from '../../../src/ssh/host.ts';

function totalsOf(
  records: readonly string[],
  limits?: ConstructorParameters<typeof TreeTotals>[0],
): TreeTotals {
  const totals = new TreeTotals(limits);
  // In pieces that cut records anywhere.
  const bytes = Buffer.from(records.map((record) => `${record}\0`).join(''), 'latin1');
  for (let at = 0; at < bytes.length; at += 7) totals.add(bytes.subarray(at, at + 7));
  expect(totals.complete).toBe(true);
  return totals;
}

function partsOf(totals: TreeTotals): Part[] {
  const parts = new Parts(totals, 0);
  const all: Part[] = [];
  for (let part = parts.take(1000); part !== undefined; part = parts.take(1000)) all.push(part);
  return all;
}

const pathsOf = (parts: readonly Part[]) =>
  parts.map((part) => part.units.map((unit) => `${unit.kind} ${unit.path}`).sort()).sort();

const megabytes = 1_000_000;

describe('a scanned tree', () => {
  const records = [
    'd0 9 .',
    'f1 10',
    'd1 9 a',
    `f2 ${500 * megabytes}`,
    'd2 9 b',
    `f3 ${400 * megabytes}`,
    'o3',
    'd1 9 new\nline \xff',
    `f2 ${300 * megabytes}`,
  ];

  test('is divided where it is heavy; names are bytes; nothing is left out or twice', () => {
    const totals = totalsOf(records);
    expect(totals).toMatchObject({ entries: 9, bytes: 1_200_000_010 });
    const parts = partsOf(totals);
    expect(pathsOf(parts)).toEqual([['loose .'], ['loose ./a'], ['whole ./a/b'], ['whole ./new\nline \xff']]);
    expect(parts.reduce((sum, part) => sum + part.entries, 0)).toBe(9 - 0);
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(totals.bytes);
  });

  test('keeps what shares an inode in one part, through any number of directories', () => {
    const totals = totalsOf([
      ...[
        'd0 9 .',
        'd1 9 a',
        'l2 5 77 3',
        `f2 ${megabytes}`,
        'd1 9 b',
        'l2 5 77 3',
        'l2 0 78 2',
        `f2 ${megabytes}`,
      ],
      ...['d1 9 c', 'l2 0 78 2', `f2 ${megabytes}`, 'd1 9 d', `f2 ${megabytes}`, 'l1 5 77 3'],
    ]);
    expect(totals.bytes).toBe(5 + 4 * megabytes);
    expect(pathsOf(partsOf(totals))).toEqual([
      ['loose .', 'whole ./a', 'whole ./b', 'whole ./c'],
      ['whole ./d'],
    ]);
  });

  test('never names a directory on which something is mounted', () => {
    expect(
      pathsOf(partsOf(totalsOf(['d0 9 .', 'd1 9 a', 'f2 5', 'd1 12 mounted', 'd1 9 z', 'f2 5']))),
    ).toEqual([['whole ./a'], ['whole ./z']]);
  });

  test('of more directories than are kept apart is coarser, with the same sums and links', () => {
    const deep = ['d0 9 .'];
    for (let index = 0; index < 5; index += 1) {
      deep.push(`d1 9 a${index}`, `d2 9 b${index}`, `f3 ${megabytes}`, `d3 9 c${index}`, `f4 ${megabytes}`);
      deep.push(`d4 9 e${index}`, 'o5', 'd2 9 f', `l3 7 ${index % 2} ${index % 2 === 0 ? 3 : 2}`);
    }
    const fine = totalsOf(deep);
    const coarse = totalsOf(deep, { folders: 12, pendingInodes: 100 });
    expect(coarse).toMatchObject({ entries: fine.entries, bytes: fine.bytes, deepest: 1 });
    const parts = partsOf(coarse);
    expect(pathsOf(parts)).toEqual([
      ['whole ./a0', 'whole ./a2', 'whole ./a4'],
      ['whole ./a1', 'whole ./a3'],
    ]);
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(fine.bytes);
    const finest = partsOf(fine).find((part) => part.units.some((unit) => unit.path === './a0/f'));
    expect(finest?.units.map((unit) => unit.path).sort()).toEqual(['./a0/f', './a2/f', './a4/f']);
  });

  test('of more linked inodes than may be remembered says so', () => {
    const totals = totalsOf(['d0 9 .', 'l1 1 5 2', 'l1 1 6 2'], { folders: 10, pendingInodes: 1 });
    expect(totals.tooLinked).toBe(true);
  });

  test.each(['x1', 'f1 2', 'd1 9', 'd1', 'l1 5 77'])(
    'with a record of another shape is none: %s',
    (record) => {
      const totals = new TreeTotals();
      // `f1 2` is one, but stands before the directory it lies in.
      expect(() => totals.add(Buffer.from(`${record}\0`))).toThrow(UnreadableRecord);
    },
  );
});

describe('a scan', () => {
  const host = (stdout: string, exitCode = 0): Host => ({
    name: 'doc1',
    run: async () => ({ exitCode, stdout: Buffer.from(stdout), stderr: Buffer.alloc(0) }),
  });

  test('that ended before its time, or cannot be read, tells nothing', async () => {
    const whole = 'd0 9 .\0f1 3\0';
    expect((await scanTree(host(whole), '/x', []))?.bytes).toBe(3);
    // Entries that find cannot read are named by rsync.
    expect((await scanTree(host(whole, 1), '/x', []))?.bytes).toBe(3);
    for (const [text, exitCode] of [
      [whole, 127],
      ['d0 9 .\0f1', 0],
      ['', 0],
      ['find: unknown\0', 0],
    ] as const)
      expect(await scanTree(host(text, exitCode), '/x', [])).toBeUndefined();
  });

  test('leaves out exactly the excluded paths', () => {
    expect(scanArgv('/mnt/docker', ['/a*[b]\\/', 'c'])).toEqual(
      expect.arrayContaining(['-path', './a\\*\\[b\\]\\\\', '-prune', './c', '/mnt/docker']),
    );
  });
});

test('parts become smaller towards the end, and none is lost', () => {
  const totals = totalsOf([
    'd0 9 .',
    ...Array.from({ length: 100 }, (_, index) => [`d1 9 x${index}`, `f2 ${megabytes}`]).flat(),
  ]);
  const parts = new Parts(totals, 0);
  const sizes: number[] = [];
  for (let part = parts.take(2); part !== undefined; part = parts.take(2)) sizes.push(part.units.length);
  expect(sizes[0]).toBe(25);
  expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
  expect(sizes.reduce((sum, size) => sum + size)).toBe(100);
});

test('a part begins with the heaviest of what is left, or with the lightest, and either way none is lost', () => {
  const totals = totalsOf([
    'd0 9 .',
    ...Array.from({ length: 40 }, (_, index) => [`d1 9 x${index}`, `f2 ${(index + 1) * megabytes}`]).flat(),
  ]);
  const parts = new Parts(totals, 0);
  const first = (from: 'heaviest' | 'lightest') => parts.take(4, from)?.units.map(({ path }) => path) ?? [];
  const taken = [first('lightest'), first('heaviest'), first('lightest')];
  expect(taken[0]?.slice(0, 3)).toEqual(['./x0', './x1', './x2']);
  expect(taken[1]?.slice(0, 2)).toEqual(['./x39', './x38']);
  expect(taken[2]?.[0]).not.toBe('./x0');
  for (let part = first('heaviest'); part.length > 0; part = first('heaviest')) taken.push(part);
  expect(new Set(taken.flat()).size).toBe(40);
  expect(parts.divided).toEqual(['.']);
});
