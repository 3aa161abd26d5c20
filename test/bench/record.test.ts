import { expect, it } from 'vitest';
import { lastJson, replaceResult } from '../../bench/record.ts';
import { makeResult } from '../../bench/result.ts';

const result = makeResult({
  bench: 'copy',
  ratios: { 'copy/best': 1.25 },
  targets: [],
  measured: {},
  cache: 'cold',
  tree: { entries: 10, bytes: 1e6 },
  fileSystems: 'ext4 to btrfs',
  machine: { cores: 2, processor: 'p', memoryGigabytes: 24, kernel: '6.18', tools: {}, load: 0 },
  checks: {},
  notes: [],
});
const place = (bench: string, text: string) => `<!-- result: ${bench} -->\n${text}\n<!-- end -->\n`;

it('replaces the result of its bench, and nothing else', () => {
  const before = `top\n${place('window', 'stays')}between\n${place('copy', 'numbers of before')}bottom\n`;
  const after = replaceResult(before, result);
  expect(after).toContain(place('window', 'stays'));
  expect(after).toContain('| copy/best | 1.250 |');
  expect(after).not.toContain('numbers of before');
  expect(after.endsWith('<!-- end -->\nbottom\n')).toBe(true);
  expect(replaceResult(after, result)).toBe(after);
});

it('finds no place for a bench that the document does not know', () => {
  expect(() => replaceResult(place('window', ''), result)).toThrow('<!-- result: copy -->');
});

it('reads what npm run printed: the last line is the result', () => {
  expect(lastJson(`\n> drayage bench:copy\n> node bench/copy.ts\n\n${JSON.stringify(result)}\n`)).toEqual(
    result,
  );
});
