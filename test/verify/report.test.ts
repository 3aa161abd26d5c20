import { expect, test } from 'vitest';
import { buildReport, type MoveReport, reportMarkdown } from '../../src/verify/report.ts';

const move: MoveReport = {
  move: 'docker',
  scope: 'full',
  entries: 10,
  files: 7,
  bytes: 700,
  filesRead: 7,
  bytesRead: 700,
  attributesCompared: true,
  sockets: ['run/app.sock'],
  differences: 0,
  first: [],
  source: { host: 'doc1', path: '/mnt/docker' },
  target: { host: 'prom', path: '/nvmeprom/containers/docker' },
};
const facts = {
  plan: 'abc',
  writtenAt: '2026-01-01T00:00:00Z',
  windowSeconds: 12.34,
  expectedWindowSeconds: 15,
  containers: { expected: 3, running: 2, missing: ['web'] },
  evidence: '.drayage/runs/x',
};

test('a report adds up its moves and says where the evidence lies', () => {
  const report = buildReport({ ...facts, moves: [move, { ...move, move: 'media', differences: 2 }] });
  expect(report).toMatchObject({ differences: 2, files: 14, bytes: 1400, windowSeconds: 12.34 });
  const text = reportMarkdown(report);
  expect(text).toContain('differences: **2**');
  expect(text).toContain('downtime: 12.3 s; projected 15 s');
  expect(text).toContain('2 of 3 running; missing: web');
  expect(text).toContain('`.drayage/runs/x`');
  expect(text).toContain('run/app.sock');
});

test('names in the table of differences cannot break it', () => {
  const first = [{ path: 'a|b`c', name: 'a|b`c', what: 'content', source: 'x', target: 'y' }] as const;
  const text = reportMarkdown(buildReport({ ...facts, moves: [{ ...move, differences: 1, first }] }));
  expect(text).toContain('| a\\|b\\`c | content | x | y |');
});

test('a comparison without getfattr says what it did not see', () => {
  const text = reportMarkdown(buildReport({ ...facts, moves: [{ ...move, attributesCompared: false }] }));
  expect(text).toContain('**not** compared');
});
