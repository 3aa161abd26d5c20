import { expect, test } from 'vitest';
import { count, isGood, notBegun, type Row, table } from '../../../lab/fault/row.ts';

const good: Row = {
  operation: 'stop doc1 #1',
  fault: 'killed during',
  resumed: 'yes',
  endStateEqual: true,
  broken: [],
};

test('a row is good only with an end that is equal, every law held, and no surprise', () => {
  expect(isGood(good)).toBe(true);
  expect(isGood({ ...good, resumed: 'by hand' })).toBe(true);
  const { endStateEqual: _, ...unknown } = good;
  for (const bad of [
    unknown,
    { ...good, endStateEqual: false },
    { ...good, resumed: 'no' as const },
    { ...good, broken: ['law 2: web was seen on doc1 3 s after it was seen on doc2'] },
    { ...good, wrong: 'expected exit code 5' },
  ])
    expect(isGood(bad)).toBe(false);
});

test('the table says what is wrong below its row, and counts', () => {
  const bad: Row = { ...good, endStateEqual: false, broken: ['law 2: two'], wrong: 'exit code 1' };
  expect(table([good, bad])).toBe(
    [
      'operation     fault          resumed  end state equal  laws held',
      '------------  -------------  -------  ---------------  ---------',
      'stop doc1 #1  killed during  yes      yes              yes',
      'stop doc1 #1  killed during  yes      NO               NO',
      '    exit code 1',
      '    law 2: two',
    ].join('\n'),
  );
  expect(count([good, bad])).toBe('1 of 2 rows are good');
});

test('a row for which no time was left is not good, and counted as what it is', () => {
  const left = notBegun('stop doc1 #2', 'killed after');
  expect(isGood({ ...left, endStateEqual: true })).toBe(false);
  expect(count([good, left])).toBe('1 of 2 rows are good, 1 not begun');
});
