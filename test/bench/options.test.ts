import { expect, it } from 'vitest';
import { parseOptions } from '../../bench/options.ts';

const defaults = { runs: 2, minutes: 5, cache: 'cold' } as const;

it('measures 200,000 entries, 3.4 GB and 600 changes unless told otherwise', () => {
  expect(parseOptions([], defaults)).toEqual({
    entries: 200_000,
    megabytes: 3400,
    changes: 600,
    runs: 2,
    minutes: 5,
    target: 'btrfs',
    cache: 'cold',
    json: false,
  });
});

it('keeps the mean size of a file when only the number of entries is given', () => {
  expect(parseOptions(['--entries', '10000', '--warm', '--json', '--target', 'xfs'], defaults)).toMatchObject(
    {
      entries: 10_000,
      megabytes: 170,
      cache: 'warm',
      json: true,
      target: 'xfs',
    },
  );
});

it.each([
  ['--entries', '0'],
  ['--runs', 'many'],
  ['--target', 'zfs'],
  ['--unknown', '1'],
])('refuses %s %s', (...args) => {
  expect(() => parseOptions(args, defaults)).toThrow(args[0]);
});
