import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Event } from '../../src/apply/events.ts';
import { atRest, exposition, standingAfter } from '../../src/metrics/metrics.ts';
import { metricsFile } from '../../src/metrics/textfile.ts';
import { parseExposition } from './parse-exposition.ts';

const begun: Event = { type: 'run-started', run: 'r1', plan: 'p1', steps: 9 };
const step: Event = { type: 'step-started', step: 's', stage: 'seed', title: 'Seed', number: 2, of: 9 };
const progress = (done: number, what = 'rsync'): Event => ({
  type: 'progress',
  step: 's',
  what,
  files: { done, total: 6214 },
  bytes: { done: done * 1000 },
});

/** Metrics after events, one second apart from second 1000. */
function read(...events: Event[]) {
  let standing = atRest;
  for (const [index, event] of events.entries()) standing = standingAfter(standing, event, 1000 + index);
  const metrics = parseExposition(exposition(standing));
  /** The value of a metric's only series, or by its label. */
  return (name: string, label?: string) =>
    metrics
      .get(`drayage_${name}`)
      ?.samples.find(({ labels }) => label === undefined || Object.values(labels).includes(label))?.value;
}

describe('the metrics', () => {
  it('say where a run stands', () => {
    const value = read(begun, step, progress(4210));
    expect(value('run_info', 'r1')).toBe(1);
    expect(value('run_active')).toBe(1);
    expect(value('run_start_timestamp_seconds')).toBe(1000);
    expect(value('run_exit_code')).toBeUndefined();
    expect([value('stage', 'seed'), value('stage', 'prove')]).toEqual([1, 0]);
    expect([value('step'), value('steps')]).toEqual([2, 9]);
    expect([value('work_files'), value('work_files_expected'), value('work_bytes')]).toEqual([
      4210, 6214, 4_210_000,
    ]);
    expect(value('work_bytes_expected')).toBeUndefined();
    expect(value('last_progress_timestamp_seconds')).toBe(1002);
  });

  it('say how the window was, and how it ended', () => {
    const gate: Event = { type: 'gate', phase: 'main', expectedWindowSeconds: 21 };
    const waiting: Event = { type: 'waiting', phase: 'main', expectedWindowSeconds: 21 };
    const opened: Event = { type: 'window-opened', phase: 'main' };
    const closed: Event = { type: 'window-closed', phase: 'main', seconds: 19.31, expectedSeconds: 21 };
    expect(read(begun, gate, waiting)('waiting')).toBe(1);
    const open = read(begun, gate, waiting, opened);
    expect([open('waiting'), open('window_open'), open('window_projected_seconds')]).toEqual([0, 1, 21]);
    const shut = read(begun, gate, opened, closed, { type: 'run-finished', exitCode: 7 });
    expect([shut('window_open'), shut('window_last_seconds'), shut('run_exit_code')]).toEqual([0, 19.31, 7]);
    expect([shut('run_active'), shut('run_end_timestamp_seconds')]).toEqual([0, 1004]);
  });

  it('say what was proven', () => {
    const prove: Event = { ...step, stage: 'prove' } as Event;
    const compared: Event = { type: 'compared', move: 'docker', scope: 'full', entries: 7, differences: 3 };
    const value = read(begun, prove, compared, { ...compared, move: 'media', differences: 0 } as Event, {
      type: 'step-finished',
      step: 's',
      outcome: 'done',
      seconds: 1,
    });
    expect([value('differences', 'docker'), value('differences', 'media')]).toEqual([3, 0]);
    expect(value('proven_timestamp_seconds')).toBe(1004);
    expect(read(begun, prove)('proven_timestamp_seconds')).toBeUndefined();
  });

  it('know standing still from going on', () => {
    expect(read(begun, step, progress(5), progress(5), progress(5))('last_progress_timestamp_seconds')).toBe(
      1002,
    );
  });

  it('carry any name as a label', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (what) => {
        const standing = standingAfter(atRest, progress(1, what), 0);
        const samples = parseExposition(exposition(standing)).get('drayage_work_files')?.samples;
        expect(samples).toEqual([{ labels: { work: what }, value: 1 }]);
      }),
    );
    const hard = 'a "b" \\ c\nd {e="f"}, g';
    const text = exposition(standingAfter(atRest, progress(1, hard), 0));
    expect(text).toContain('{work="a \\"b\\" \\\\ c\\nd {e=\\"f\\"}, g"}');
  });

  it('are named as Prometheus wants: base units, a timestamp says so, no `_total` on a gauge', () => {
    const all = parseExposition(exposition(standingAfter(standingAfter(atRest, begun, 1), progress(1), 2)));
    for (const [name, { type, help }] of all) {
      expect(name).toMatch(/^drayage_[a-z_]+$/);
      expect(name).not.toMatch(/_(total|count|ms|minutes)$/);
      expect(type).toBe('gauge');
      expect(help).toMatch(/\.$/);
    }
  });
});

describe('the file', () => {
  let folder: string;
  let file: string;
  let warnings: string[];
  let now: number;
  const open = (path = file) =>
    metricsFile(
      path,
      (text) => warnings.push(text),
      () => now,
    );
  const done = () => parseExposition(readFileSync(file, 'utf8')).get('drayage_work_files')?.samples[0]?.value;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-metrics-'));
    file = join(folder, 'drayage.prom');
    warnings = [];
    now = 1_000_000;
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is readable for the collector, whatever the umask, and nothing else is left beside it', () => {
    const before = process.umask(0o077);
    try {
      const sink = open();
      for (const event of [begun, step, progress(1)]) sink(event);
    } finally {
      process.umask(before);
    }
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(readdirSync(folder)).toEqual(['drayage.prom']);
    expect(warnings).toEqual([]);
  });

  it('is another file each time: a reader of the old one keeps the whole of it', () => {
    const sink = open();
    sink(begun);
    const before = statSync(file).ino;
    const kept = readFileSync(file, 'utf8');
    sink(step);
    expect(statSync(file).ino).not.toBe(before);
    expect(parseExposition(kept).has('drayage_run_active')).toBe(true);
  });

  it('is written at a change of step and at most every 15 seconds during progress', () => {
    const sink = open();
    for (const event of [begun, step]) sink(event);
    const seen: (number | undefined)[] = [];
    for (let second = 1; second <= 40; second += 1) {
      now += 1000;
      sink(progress(second));
      seen.push(done());
    }
    expect([...new Set(seen)]).toEqual([1, 16, 31]);
    sink({ type: 'step-finished', step: 's', outcome: 'done', seconds: 40 });
    expect(done()).toBe(40);
  });

  it('that cannot be written is told of once, and the run goes on', () => {
    const sink = open(join(folder, 'missing', 'drayage.prom'));
    for (const event of [begun, step, progress(1)]) sink(event);
    expect(warnings).toEqual([expect.stringMatching(/^No metrics are written: ENOENT/)]);
  });

  it('that is a folder leaves nothing beside it', () => {
    mkdirSync(file);
    open()(begun);
    expect(warnings).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['drayage.prom']);
    expect(existsSync(file)).toBe(true);
    chmodSync(file, 0o755);
  });
});
