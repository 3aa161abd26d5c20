import { expect, it } from 'vitest';
import { median, timeLimit, turns } from '../../bench/timing.ts';

it('takes the middle value, whatever the order', () => {
  expect(median([10, 2, 9])).toBe(9);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});

it('lets each engine have each turn once in as many runs as there are engines', () => {
  const orders = [0, 1, 2].map((run) => turns(['a', 'b', 'c'], run).join(''));
  expect(orders).toEqual(['abc', 'bca', 'cab']);
});

it('begins a run only if one as long as the longest so far ends in time, and the first always', () => {
  let minute = 0;
  const inTime = timeLimit(5, () => minute * 60_000);
  expect(inTime()).toBe(true);
  minute = 2;
  expect(inTime()).toBe(true);
  minute = 3;
  expect(inTime()).toBe(true);
  minute = 3.5;
  expect(inTime()).toBe(false);
});
