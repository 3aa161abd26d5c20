import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Amount, Event } from '../../src/apply/events.ts';
import { measured } from '../../src/apply/measured.ts';

type Progress = Extract<Event, { type: 'progress' }>;

/** What comes out, and a clock in seconds. */
function meter() {
  const out: Event[] = [];
  let seconds = 0;
  const sink = measured(
    (event) => out.push(event),
    () => seconds * 1000,
  );
  const at = (time: number, files: Amount, bytes: Amount = { done: 0 }, what = 'rsync'): Progress => {
    seconds = time;
    sink({ type: 'progress', step: 's', what, files, bytes });
    return out.at(-1) as Progress;
  };
  return { sink, out, at };
}

const amount = fc.record(
  { done: fc.nat(1_000_000), total: fc.nat(1_000_000) },
  { requiredKeys: ['done'], noNullPrototype: true },
);
const reports = fc.array(fc.tuple(fc.integer({ min: -100, max: 400 }), amount, amount), { maxLength: 30 });

describe('whatever is counted, and whenever', () => {
  it('counts and percent never go back, done never passes the total, and the time left is finite', () => {
    fc.assert(
      fc.property(reports, (list) => {
        const { at } = meter();
        let time = 0;
        let before: Progress | undefined;
        for (const [step, files, bytes] of list) {
          time += step;
          const now = at(time, files, bytes);
          for (const key of ['files', 'bytes'] as const) {
            expect(now[key].done).toBeGreaterThanOrEqual(before?.[key].done ?? 0);
            if (now[key].total !== undefined) expect(now[key].done).toBeLessThanOrEqual(now[key].total);
          }
          expect(now.percent ?? 0).toBeGreaterThanOrEqual(before?.percent ?? 0);
          expect(now.percent ?? 0).toBeLessThan(100);
          for (const value of [now.secondsLeft, now.filesPerSecond, now.bytesPerSecond]) {
            expect(Number.isFinite(value ?? 0)).toBe(true);
            expect(value ?? 0).toBeGreaterThanOrEqual(0);
          }
          before = now;
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the rate', () => {
  it('is that of the last two minutes, and the time left follows from it', () => {
    const { at } = meter();
    const total = 100_000;
    for (let second = 0; second <= 300; second += 1) at(second, { done: second * 100, total });
    // From here on a tenth of it: after two minutes nothing else is left in the rate.
    let last: Progress | undefined;
    for (let second = 301; second <= 421; second += 1)
      last = at(second, { done: 30_000 + (second - 300) * 10, total });
    expect(last).toMatchObject({ filesPerSecond: 10, percent: 31, secondsLeft: (total - 31_210) / 10 });
  });

  it('is not told from a moment, nor the time left from no movement', () => {
    const { at } = meter();
    expect(at(0, { done: 0, total: 10 })).not.toHaveProperty('filesPerSecond');
    expect(at(1, { done: 5, total: 10 })).not.toHaveProperty('filesPerSecond');
    const { at: still } = meter();
    still(0, { done: 5, total: 10 });
    expect(still(60, { done: 5, total: 10 })).toMatchObject({ filesPerSecond: 0 });
    expect(still(61, { done: 5, total: 10 })).not.toHaveProperty('secondsLeft');
  });

  it('counts from the last report before a long silence', () => {
    const { at } = meter();
    at(0, { done: 0, total: 1000 });
    expect(at(500, { done: 500, total: 1000 })).toMatchObject({ filesPerSecond: 1, secondsLeft: 500 });
  });

  it('of whoever does the work is not believed', () => {
    const out: Event[] = [];
    const sink = measured((event) => out.push(event));
    const one = { type: 'progress', step: 's', what: 'w', files: { done: 1 }, bytes: { done: 1 } } as const;
    sink({ ...one, bytesPerSecond: 1e12, secondsLeft: 1, percent: 100 });
    expect(out).toEqual([one]);
  });

  it('leaves the slower of files and bytes to tell the time', () => {
    const { at } = meter();
    at(0, { done: 0, total: 100 }, { done: 0, total: 1000 });
    expect(at(10, { done: 90, total: 100 }, { done: 100, total: 1000 })).toMatchObject({
      percent: 10,
      secondsLeft: 90,
    });
  });
});

describe('a hundred percent', () => {
  it('is not told while the work goes on, even when the source has grown past its census', () => {
    const { at } = meter();
    expect(at(0, { done: 10, total: 10 })).toMatchObject({ percent: 99 });
    expect(at(1, { done: 12, total: 10 })).toMatchObject({ percent: 99, files: { done: 12, total: 12 } });
  });

  it('is not made up at the end: the step says what was counted', () => {
    const { at, sink, out } = meter();
    at(0, { done: 4, total: 6 }, { done: 10 }, 'copy');
    at(1, { done: 6, total: 6 }, { done: 3 }, 'compare');
    sink({ type: 'step-finished', step: 's', outcome: 'done', seconds: 1 });
    expect(out.at(-1)).toEqual({
      type: 'step-finished',
      step: 's',
      outcome: 'done',
      seconds: 1,
      counted: [
        { what: 'copy', files: { done: 4, total: 6 }, bytes: { done: 10 } },
        { what: 'compare', files: { done: 6, total: 6 }, bytes: { done: 3 } },
      ],
    });
  });
});

it('work begins at nothing under another name, and when its operation is started again', () => {
  const { at, sink } = meter();
  at(0, { done: 500, total: 500 });
  expect(at(1, { done: 1 }, { done: 0 }, 'reading both sides')).toMatchObject({ files: { done: 1 } });
  expect(at(2, { done: 1 })).toMatchObject({ files: { done: 500 } });
  sink({ type: 'operation-started', step: 's', what: 'rsync' });
  const again = at(3, { done: 1, total: 500 });
  expect(again).toMatchObject({ files: { done: 1, total: 500 }, percent: 0 });
});
