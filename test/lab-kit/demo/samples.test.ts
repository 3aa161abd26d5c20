import { expect, test } from 'vitest';
import { judgeSamples, type Sample } from '../../../lab/demo/maintenance/samples.ts';

const prom = 'node=prom,path=/nvmeprom/containers';
const maint = 'node=maint,path=/srv/containers';
const look = (at: number, map: string[], marked: string[] = ['prom']): Sample => ({ at, map, marked });

test('an entry that comes and stays is as it must be', () => {
  const seen = [
    look(0, [prom]),
    look(40, [prom, maint]),
    look(130, [prom, maint], []),
    look(140, [prom, maint], ['maint']),
  ];
  expect(judgeSamples(seen, prom)).toEqual({ samples: 4, longestGapMs: 90, wrong: [] });
});

test('an entry that was away for one look is told', () => {
  const seen = [look(0, [prom]), look(10, [maint]), look(20, [prom, maint])];
  expect(judgeSamples(seen, prom).wrong).toEqual([`the mapping was without ${prom}`]);
  expect(judgeSamples([look(0, [prom, maint]), look(1, [prom])], prom).wrong).toEqual([
    `the mapping was without ${maint}`,
  ]);
});

test('two markers at one time are told', () => {
  expect(judgeSamples([look(0, [prom], ['prom', 'maint'])], prom).wrong).toEqual([
    'prom and maint had the marker at the same time',
  ]);
});

test('a second entry of one node is told', () => {
  expect(judgeSamples([look(0, [prom, 'node=prom,path=/other'])], prom).wrong.join()).toContain(
    'two entries',
  );
});
