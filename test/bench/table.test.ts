import { expect, it } from 'vitest';
import { median, table } from '../../bench/table.ts';

it('takes the middle value, whatever the order', () => {
  expect(median([10, 2, 9])).toBe(9);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});

it('puts plan and drayage side by side, with the ratio of their medians', () => {
  const lines = table([
    { plain: { what: 'plan', seconds: [8, 4, 6] }, drayage: { what: 'window', seconds: [2, 1, 1.5] } },
  ]).split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[2]).toBe('| plan | 6.0 s (8.0, 4.0, 6.0) | window | 1.5 s (2.0, 1.0, 1.5) | 4.00 |');
});
