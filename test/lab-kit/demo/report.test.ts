import { expect, test } from 'vitest';
import { demoReport, type Measured, shortcomings, writerOverMove } from '../../../lab/demo/report.ts';
import { writerChecksum } from '../../../lab/services/writer-log.ts';

const log = (...numbers: number[]) =>
  Buffer.from(numbers.map((number) => `${number} ${writerChecksum(number)}\n`).join(''));

const good: Measured = {
  drayage: {
    plan: '0123456789ab',
    differences: 0,
    files: 6437,
    entries: 6682,
    bytes: 96_000_000,
    windowSeconds: 21.5,
    expectedWindowSeconds: 30,
    evidence: '.lab/.drayage/runs/one',
  },
  containers: { before: ['app', 'web', 'notes'], target: ['notes', 'app', 'web'], source: [] },
  writer: writerOverMove(log(1, 2, 3), log(1, 2, 3, 4, 5)),
  seconds: { plan: 20.06 },
};

test('a good migration has nothing to complain of', () => {
  const report = demoReport(good);
  expect(shortcomings(report)).toEqual([]);
  expect(report).toMatchObject({
    differences: 0,
    files: 6437,
    windowSeconds: 21.5,
    expectedWindowSeconds: 30,
    containers: { expected: 3, running: 3 },
    writer: { linesLost: 0, linesDoubled: 0, linesBefore: 3, linesAfter: 2 },
    seconds: { plan: 20.1 },
  });
});

test.each<[string, Partial<Measured>, RegExp]>([
  ['a difference', { drayage: { ...good.drayage, differences: 1 } }, /1 differences/],
  ['too few files', { drayage: { ...good.drayage, files: 12 } }, /Only 12 files/],
  [
    'a container that is missing',
    { containers: { before: ['app', 'web'], target: ['web'], source: [] } },
    /Not running on doc2: app/,
  ],
  [
    'a container that runs on both sides',
    { containers: { before: ['app'], target: ['app'], source: ['app'] } },
    /Still running on doc1: app/,
  ],
  ['no container at all', { containers: { before: [], target: [], source: [] } }, /No container ran/],
  ['a lost line', { writer: writerOverMove(log(1, 2, 3), log(1, 2, 4)) }, /lost 1 lines/],
  ['a lost end of the log', { writer: writerOverMove(log(1, 2, 3), log(1, 2)) }, /lost 1 lines/],
  ['a line written twice', { writer: writerOverMove(log(1, 2), log(1, 2, 2, 3)) }, /1 lines twice/],
  ['a torn line', { writer: writerOverMove(log(1), Buffer.concat([log(1), Buffer.from('2 9')])) }, /damaged/],
  ['a writer that does not write', { writer: writerOverMove(log(1, 2), log(1, 2)) }, /nothing on doc2/],
  [
    'two writers',
    { writer: writerOverMove(log(1, 2, 3), log(1, 3, 2, 4)) },
    /does not begin with the one on doc1/,
  ],
])('%s is named', (_what, change, sentence) => {
  expect(shortcomings(demoReport({ ...good, ...change })).join('\n')).toMatch(sentence);
});

test('a run without a window is no migration', () => {
  const { windowSeconds: _without, ...drayage } = good.drayage;
  const report = demoReport({ ...good, drayage });
  expect(report.windowSeconds).toBeNull();
  expect(shortcomings(report)).toEqual(['drayage reported no downtime, so there was no cutover.']);
});
