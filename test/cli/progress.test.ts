import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Counted, Event } from '../../src/apply/events.ts';
import { measured } from '../../src/apply/measured.ts';
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
    const sink = measured(openProgress(terminal));
    sink(started);
    sink(progress(10, 100));
    vi.advanceTimersByTime(1000);
    expect(screen(texts.err)).toEqual(['      rsync  10%  10 of 100 entries  10.0 kB']);
    sink(finished);
    expect(screen(texts.err)).toEqual([
      ' 3/17 + First copy of docker  12.3 s  10 of 100 entries, 10.0 kB',
      '',
    ]);
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

describe('a finished step', () => {
  const printed = (...counted: Counted[]) => {
    const { terminal, texts } = fakeTerminal();
    const sink = openProgress(terminal);
    sink(started);
    sink({ ...finished, counted });
    return texts.err;
  };
  const files = { done: 4210, total: 6214 };
  const bytes = { done: 310e6, total: 310e6 };

  it('whose count stayed below says what it counted', () => {
    expect(printed({ what: 'rsync', files, bytes })).toBe(
      ' 3/17 + First copy of docker  12.3 s  4,210 of 6,214 entries, 310 MB\n',
    );
  });

  it('of several works says it of each', () => {
    const all = { done: 6214, total: 6214 };
    expect(printed({ what: 'rsync', files, bytes }, { what: 'settling', files: all, bytes })).toBe(
      ' 3/17 + First copy of docker  12.3 s\n      rsync  4,210 of 6,214 entries, 310 MB\n      settling  6,214 entries, 310 MB\n',
    );
  });
});

describe('the downtime', () => {
  it('is shown with its parts before anybody is asked, and beside the real one after', () => {
    const { terminal, texts } = fakeTerminal();
    const sink = openProgress(terminal);
    sink({
      type: 'gate',
      phase: 'one',
      expectedWindowSeconds: 21,
      parts: [
        { what: 'stopping 5 workloads', seconds: 10 },
        { what: 'the last changes', seconds: 2 },
      ],
    });
    sink({ type: 'window-closed', phase: 'one', seconds: 19.31, expectedSeconds: 21 });
    sink({ type: 'window-closed', phase: 'one', seconds: 131 });
    expect(texts.err.split('\n')).toEqual([
      'Projected window of phase one: about 21 s',
      '  10 s  stopping 5 workloads',
      '   2 s  the last changes',
      'The window is closed: projected 21 s, was 19.3 s.',
      'The window is closed: it was 2 min (131.0 s).',
      '',
    ]);
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
});
