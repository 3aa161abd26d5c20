import fc from 'fast-check';
import stringWidth from 'string-width';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Event } from '../../../src/apply/events.ts';
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

function recorded(columns = 40) {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  const err = { isTTY: true, columns, write };
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
  expect(shown()).toBe('      rsync  1 entry');
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
  expect(shown()).toMatch(/x\.\.\. {2}10 s$/);
});

test('wide characters, emoji and control characters neither wrap it nor break it', () => {
  const { sink, shown } = recorded();
  sink({ ...step, title: `${'漢字'.repeat(20)}` });
  expect(stringWidth(shown() ?? '')).toBeLessThanOrEqual(39);
  sink({ ...step, step: 'b', title: `line\nbreak \x1b[2Jand \u2028more` });
  expect(shown()).toBe('3/9 ... line?break ?[2Jand ?more');
  sink({ ...step, step: 'c', title: '👩‍👩‍👧‍👦'.repeat(40) });
  expect(shown()).toMatch(/^3\/9 \.\.\. (👩‍👩‍👧‍👦)+\.\.\.$/u);
});

test('of progress, the name of the work is cut first, then the rate; percent stays', () => {
  const full: Event = {
    type: 'progress',
    step: 'copy',
    what: 'rsync from doc1:/mnt/docker to prom',
    files: { done: 4210, total: 6214 },
    bytes: { done: 120e6, total: 310e6 },
    percent: 38,
    bytesPerSecond: 38e6,
    secondsLeft: 5,
  };
  const drawn = (columns: number) => {
    const { sink, shown } = recorded(columns);
    sink(full);
    return shown();
  };
  expect(drawn(140)).toBe(
    '      rsync from doc1:/mnt/docker to prom  38%  4,210 of 6,214 entries  120 MB of 310 MB  38.0 MB/s  about 5 s left',
  );
  expect(drawn(100)).toBe(
    '      rsync from doc1:...  38%  4,210 of 6,214 entries  120 MB of 310 MB  38.0 MB/s  about 5 s left',
  );
  expect(drawn(80)).toBe('      rsync from doc1:/mnt/dock...  38%  4,210 of 6,214 entries  about 5 s left');
  expect(drawn(40)).toBe('      rsync fro...  38%  about 5 s left');
});

test('whatever is told, no line is wider than the terminal', () => {
  const amount = fc.record({ done: fc.nat(), total: fc.nat() });
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.integer({ min: 21, max: 120 }),
      amount,
      amount,
      fc.nat(99),
      fc.nat(),
      (what, columns, files, bytes, percent, rate) => {
        const { sink, shown } = recorded(columns);
        sink({ type: 'window-opened', phase: 'one' });
        sink({
          type: 'progress',
          step: 's',
          what,
          files,
          bytes,
          percent,
          bytesPerSecond: rate,
          secondsLeft: rate,
        });
        vi.advanceTimersByTime(1000);
        expect(stringWidth(shown() ?? '')).toBeLessThan(columns);
        expect(shown()).not.toMatch(/\p{Cc}/u);
      },
    ),
  );
});

test('while workloads are down, it says for how long, beside what was projected', () => {
  const { sink, shown } = recorded();
  sink({ type: 'gate', phase: 'one', expectedWindowSeconds: 21 });
  sink({ type: 'window-opened', phase: 'one' });
  sink(step);
  vi.advanceTimersByTime(7000);
  expect(shown()).toBe('3/9 ... Firs...  down 7 s of about 21 s');
  sink({ type: 'window-closed', phase: 'one', seconds: 19.3, expectedSeconds: 21 });
  expect(shown()).toContain('The window is closed: projected 21 s, was 19.3 s.\n');
  sink(step);
  expect(shown()).toBe('3/9 ... First copy');
});
