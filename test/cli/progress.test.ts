import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Event } from '../../src/apply/events.ts';
import { openProgress } from '../../src/cli/progress/index.ts';
import { plainProgress } from '../../src/cli/progress/plain.ts';
import { fakeTerminal } from './fake-terminal.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const started: Event = {
  type: 'step-started',
  step: 'seed docker',
  stage: 'seed',
  title: 'First copy of docker',
  number: 3,
  of: 17,
};
const finished: Event = { type: 'step-finished', step: 'seed docker', outcome: 'done', seconds: 12.34 };
const progress = (done: number, total?: number): Event => ({
  type: 'progress',
  step: 'seed docker',
  what: 'rsync',
  files: total === undefined ? { done } : { done, total },
  bytes: { done: done * 1000 },
});

/** What stands in the last line of a terminal after some output. */
const screen = (text: string) => text.split('\n').map((line) => line.split('\r\x1b[K').at(-1) ?? '');

describe('on a terminal', () => {
  it('one line says what goes on, and only finished steps stay', () => {
    const { terminal, texts } = fakeTerminal({ isTTY: true });
    const sink = openProgress(terminal);
    sink(started);
    sink(progress(10, 100));
    vi.advanceTimersByTime(1000);
    expect(screen(texts.err)).toEqual(['      rsync  10/100 entries  10.0 kB']);
    sink(finished);
    expect(screen(texts.err)).toEqual([' 3/17 + First copy of docker  12.3 s', '']);
    expect(texts.out).toBe('');
  });

  it('the line is never longer than the terminal is wide', () => {
    const { terminal, texts } = fakeTerminal({ isTTY: true, columns: 40 });
    const sink = openProgress(terminal);
    sink({ ...started, title: 'long '.repeat(40) });
    vi.advanceTimersByTime(65_000);
    for (const part of texts.err.split('\r\x1b[K')) expect(part.length).toBeLessThan(40);
  });
});

describe('elsewhere', () => {
  it('there are plain lines without control characters, and progress only now and then', () => {
    const { terminal, texts } = fakeTerminal();
    let now = 0;
    const sink = plainProgress(terminal, () => now);
    sink(started);
    for (now = 0; now <= 25_000; now += 1000) sink(progress(now / 1000));
    sink(finished);
    expect(texts.err.split('\n')).toEqual([
      '      rsync  10 entries  10.0 kB',
      '      rsync  20 entries  20.0 kB',
      ' 3/17 + First copy of docker  12.3 s',
      '',
    ]);
  });
});

describe('with --json', () => {
  it('each event is one object on a line of its own, with its time', () => {
    const { terminal, texts } = fakeTerminal({ json: true });
    const sink = openProgress(terminal);
    for (const event of [started, progress(1), finished]) sink(event);
    const lines = texts.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type }) => type)).toEqual(['step-started', 'progress', 'step-finished']);
    for (const { time } of lines) expect(new Date(time).toISOString()).toBe(time);
    expect(texts.err).toBe('');
  });

  it('counts never go back and never pass their total, whatever was counted', () => {
    const amount = fc.record(
      { done: fc.nat(1000), total: fc.nat(1000) },
      { requiredKeys: ['done'], noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(amount, amount), { maxLength: 20 }), (amounts) => {
        const { terminal, texts } = fakeTerminal({ json: true });
        const sink = openProgress(terminal);
        for (const [files, bytes] of amounts) sink({ type: 'progress', step: 's', what: 'w', files, bytes });
        const shown = texts.out
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line));
        for (const [i, { files, bytes }] of shown.entries())
          for (const [now, before] of [
            [files, shown[i - 1]?.files],
            [bytes, shown[i - 1]?.bytes],
          ]) {
            expect(now.done).toBeGreaterThanOrEqual(before?.done ?? 0);
            if (now.total !== undefined) expect(now.done).toBeLessThanOrEqual(now.total);
          }
      }),
    );
  });

  it('another operation begins again at nothing', () => {
    const { terminal, texts } = fakeTerminal({ json: true });
    const sink = openProgress(terminal);
    sink(progress(500));
    sink({ ...progress(1), what: 'reading both sides' } as Event);
    expect(JSON.parse(texts.out.trimEnd().split('\n')[1] ?? '')).toMatchObject({ files: { done: 1 } });
  });
});
