import { expect, it } from 'vitest';
import { endsInTime, median, turns } from '../../bench/timing.ts';

it('takes the middle value, whatever the order', () => {
  expect(median([10, 2, 9])).toBe(9);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});

it('lets each engine have each turn once in as many runs as there are engines', () => {
  const orders = [0, 1, 2].map((run) => turns(['a', 'b', 'c'], run).join(''));
  expect(orders).toEqual(['abc', 'bca', 'cab']);
});

it('begins only what ends in time', () => {
  expect(endsInTime(5, 60, 4 * 60_000)).toBe(true);
  expect(endsInTime(5, 61, 4 * 60_000)).toBe(false);
});
