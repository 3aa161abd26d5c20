import type { Amount, Counted, Event, Sink } from './events.ts';

type Progress = Extract<Event, { type: 'progress' }>;

/** Milliseconds that a rate looks back. */
const lookBack = 120_000;
/** A rate over less than this says nothing. */
const leastSpan = 2_000;
/** One sample in this many milliseconds is kept. */
const sampleEvery = 1_000;

interface Sample {
  readonly at: number;
  readonly files: number;
  readonly bytes: number;
}

interface Work extends Counted {
  readonly percent: number | undefined;
  /** Oldest first; all but the first within the look back. */
  readonly samples: Sample[];
}

/**
 * Makes progress fit to be shown, in one place for every face: counts never go back and never pass their total,
 * whatever a tool counted; percent, rates and the time left are worked out here, and what a step's work had counted is
 * told when the step ends.
 * @param now milliseconds
 */
export function measured(sink: Sink, now: () => number = () => performance.now()): Sink {
  const steps = new Map<string, Map<string, Work>>();
  return (event) => {
    if (event.type === 'operation-started') steps.get(event.step)?.delete(event.what);
    if (event.type === 'step-finished') {
      const counted = [...(steps.get(event.step)?.values() ?? [])].map(({ what, files, bytes }) => ({
        what,
        files,
        bytes,
      }));
      steps.delete(event.step);
      return sink(counted.length === 0 ? event : { ...event, counted });
    }
    if (event.type !== 'progress') return sink(event);
    const at = now();
    const works = steps.get(event.step) ?? new Map<string, Work>();
    steps.set(event.step, works);
    const work = onwards(event, works.get(event.what), at);
    works.set(event.what, work);
    sink(shown(event.step, work, at));
  };
}

function onwards(event: Progress, before: Work | undefined, at: number): Work {
  const files = further(event.files, before?.files);
  const bytes = further(event.bytes, before?.bytes);
  const samples = before?.samples ?? [];
  const newest = samples.at(-1);
  if (newest === undefined || at - newest.at >= sampleEvery)
    samples.push({ at, files: files.done, bytes: bytes.done });
  while (samples[1] !== undefined && samples[1].at <= at - lookBack) samples.shift();
  return { what: event.what, files, bytes, samples, percent: percentOf(files, bytes, before?.percent) };
}

function further(now: Amount, before: Amount | undefined): Amount {
  const done = Math.max(now.done, before?.done ?? 0);
  const total = now.total ?? before?.total;
  return total === undefined ? { done } : { done, total: Math.max(total, done) };
}

/** A source in use may grow, so a hundred is never told before the end. */
function percentOf(files: Amount, bytes: Amount, before: number | undefined): number | undefined {
  const parts = [files, bytes].flatMap(({ done, total }) =>
    total === undefined || total === 0 ? [] : [Math.floor((done * 100) / total)],
  );
  return parts.length === 0 ? before : Math.max(before ?? 0, Math.min(99, ...parts));
}

function shown(step: string, work: Work, at: number): Progress {
  const { what, files, bytes, percent } = work;
  const base = work.samples[0] as Sample;
  const seconds = (at - base.at) / 1000;
  const known = at - base.at >= leastSpan;
  const rates = {
    files: known ? (files.done - base.files) / seconds : 0,
    bytes: known ? (bytes.done - base.bytes) / seconds : 0,
  };
  const left = Math.max(timeLeft(files, rates.files), timeLeft(bytes, rates.bytes));
  return {
    type: 'progress',
    step,
    what,
    files,
    bytes,
    ...(percent === undefined ? {} : { percent }),
    ...(known ? { filesPerSecond: round(rates.files), bytesPerSecond: Math.round(rates.bytes) } : {}),
    ...(left > 0 ? { secondsLeft: Math.ceil(left) } : {}),
  };
}

/** Seconds until the total; nothing where there is no total, or nothing moves. */
function timeLeft({ done, total }: Amount, rate: number): number {
  return total === undefined || rate <= 0 ? 0 : (total - done) / rate;
}

function round(rate: number): number {
  return Math.round(rate * 10) / 10;
}
