import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { liveProgress } from '../../../src/cli/progress/live.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';
import { plainPalette } from '../../../src/errors/palette.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const step = {
  type: 'step-started',
  step: 'copy',
  stage: 'seed',
  title: 'First copy',
  number: 3,
  of: 9,
} as const;

function recorded() {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  const err = { isTTY: true, columns: 40, write };
  const sink = liveProgress({ err, talk: plainPalette } as unknown as Terminal);
  const shown = () => text.split('\r\x1b[K').at(-1);
  return { sink, shown };
}

test('work that says nothing for long is shown with its time', () => {
  const { sink, shown } = recorded();
  sink(step);
  expect(shown()).toBe('3/9 ... First copy');
  vi.advanceTimersByTime(4000);
  expect(shown()).toBe('3/9 ... First copy  4 s');
});

test('the time is kept when the same work tells more, and begins anew with other work', () => {
  const { sink, shown } = recorded();
  sink({ type: 'operation-started', step: 'copy', what: 'rsync' });
  vi.advanceTimersByTime(5500);
  sink({ type: 'progress', step: 'copy', what: 'rsync', files: { done: 7 }, bytes: { done: 0 } });
  expect(shown()).toBe('      rsync  7 entries  5 s');
  sink({ type: 'operation-started', step: 'copy', what: 'snapshot' });
  expect(shown()).toBe('      snapshot');
});

test('many words in a moment are drawn once, and the last of them soon', () => {
  const { sink, shown } = recorded();
  const progress = (done: number) =>
    sink({ type: 'progress', step: 'copy', what: 'rsync', files: { done }, bytes: { done: 0 } });
  for (const done of [1, 2, 3]) progress(done);
  expect(shown()).toBe('      rsync  1 entries');
  vi.advanceTimersByTime(1000);
  expect(shown()).toBe('      rsync  3 entries');
});

test('a finished step stays, and nothing moves after it', () => {
  const { sink, shown } = recorded();
  sink(step);
  sink({ type: 'step-finished', step: 'copy', outcome: 'done', seconds: 2 });
  vi.advanceTimersByTime(60_000);
  expect(shown()).toBe('3/9 + First copy  2.0 s\n');
});

test('a line never wraps', () => {
  const { sink, shown } = recorded();
  sink({ ...step, title: 'x'.repeat(100) });
  vi.advanceTimersByTime(10_000);
  expect(shown()).toHaveLength(39);
  expect(shown()).toMatch(/x {2}10 s$/);
});
