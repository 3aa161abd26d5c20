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

test('a report says how the last copy went, and what the target guest sees', () => {
  const pass = {
    how: 'change-list',
    listed: 600,
    changed: 590,
    deleted: 10,
    bytes: 1,
    seconds: 0.84,
  } as const;
  const inside = { host: 'doc2', path: '/mnt/docker', files: 200, differing: [] };
  const seen = { ...inside, entries: 6000, tops: 4, touched: 12, unlike: [] as string[] };
  const text = reportMarkdown(buildReport({ ...facts, moves: [{ ...move, pass, inside: seen }] }));
  expect(text).toContain('last copy by a list of 600 names: 590 carried, 10 deleted, 0.8 s');
  expect(text).toContain(
    '6000 entries below 4 names at the top listed inside doc2: as the node has them; 12 touched',
  );

  const whole = { ...pass, how: 'full-pass', because: 'the clock of doc1 was set' } as const;
  const lost = { ...seen, unlike: ['web: 3 entries there, 5 on the node'] };
  const other = reportMarkdown(buildReport({ ...facts, moves: [{ ...move, pass: whole, inside: lost }] }));
  expect(other).toContain('last copy over the whole tree, because the clock of doc1 was set');
  expect(other).toContain('web: 3 entries there, 5 on the node');
});
