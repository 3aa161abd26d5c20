import type { CacheState } from './caches.ts';
import type { Checked } from './check.ts';
import type { Machine } from './machine.ts';
import { median } from './timing.ts';

/** One kind of work that was measured. */
export interface Measured {
  /** As the table shows it. */
  readonly what: string;
  readonly seconds: readonly number[];
}

/** What a ratio is to reach. */
export interface Target {
  readonly ratio: string;
  readonly limit: number;
  readonly better: 'below' | 'above';
}

export interface BenchResult {
  readonly bench: string;
  readonly at: string;
  readonly ratios: Readonly<Record<string, number>>;
  readonly targets: readonly (Target & { readonly reached: boolean })[];
  readonly medians: Readonly<Record<string, number>>;
  /** Seconds of every run, in their order. */
  readonly timings: Readonly<Record<string, readonly number[]>>;
  readonly what: Readonly<Record<string, string>>;
  readonly cache: CacheState;
  readonly tree: Readonly<Record<string, number>>;
  readonly fileSystems: string;
  readonly machine: Machine;
  readonly checks: Readonly<Record<string, Checked>>;
  /** Of the census alone: largest resident memory by entries. */
  readonly residentBytes?: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

export interface Measurements extends Omit<BenchResult, 'at' | 'targets' | 'medians' | 'timings' | 'what'> {
  readonly measured: Readonly<Record<string, Measured>>;
  readonly targets: readonly Target[];
}

export function reached({ limit, better }: Target, value: number | undefined): boolean {
  if (value === undefined) return false;
  return better === 'below' ? value <= limit : value >= limit;
}

/** The result as `--json` prints it. */
export function makeResult({ measured, targets, ...rest }: Measurements): BenchResult {
  const each = <T>(value: (measured: Measured) => T) =>
    Object.fromEntries(Object.entries(measured).map(([key, of]) => [key, value(of)]));
  return {
    ...rest,
    at: new Date().toISOString(),
    targets: targets.map((target) => ({ ...target, reached: reached(target, rest.ratios[target.ratio]) })),
    medians: each(({ seconds }) => median(seconds)),
    timings: each(({ seconds }) => seconds),
    what: each(({ what }) => what),
  };
}

/** Above it, something else ran in the minute before. */
const busyLoad = 0.7;

/** The result as Markdown: a line of what it was measured on, the times, the ratios, the notes. */
export function markdown(result: BenchResult): string {
  const { tree, machine } = result;
  const megabytes = Math.round((tree.bytes ?? 0) / 1e6);
  const size =
    tree.entries === undefined ? '' : `${tree.entries} entries, ${megabytes} MB, ${result.fileSystems}; `;
  const on = `${result.at.slice(0, 10)}: ${size}caches ${result.cache}; ${machine.cores} cores, ${machine.memoryGigabytes} GB, Linux ${machine.kernel}, load ${machine.load.toFixed(1)} at the start${machine.load > busyLoad ? ': a busy machine' : ''}.`;
  const runs = (key: string) => (result.timings[key] ?? []).map((value) => value.toFixed(2)).join(', ');
  return [
    on,
    '',
    '| | median | runs |',
    '| --- | --- | --- |',
    ...Object.entries(result.medians).map(
      ([key, value]) => `| ${result.what[key] ?? key} | ${value.toFixed(2)} s | ${runs(key)} |`,
    ),
    '',
    '| ratio | measured | to reach | |',
    '| --- | --- | --- | --- |',
    ...Object.entries(result.ratios).map(([key, value]) => ratioLine(key, value, result.targets)),
    ...(result.notes.length === 0 ? [] : ['', ...result.notes.map((note) => `- ${note}`)]),
  ].join('\n');
}

function ratioLine(key: string, value: number, targets: BenchResult['targets']): string {
  const target = targets.find(({ ratio }) => ratio === key);
  if (target === undefined) return `| ${key} | ${value.toFixed(3)} | | |`;
  const limit = `${target.better === 'below' ? 'at most' : 'at least'} ${target.limit.toFixed(3)}`;
  return `| ${key} | ${value.toFixed(3)} | ${limit} | ${target.reached ? 'reached' : 'NOT reached'} |`;
}

/** stdout has the result alone: as Markdown, or as one line of JSON (then the Markdown is on stderr). */
export function print(result: BenchResult, json: boolean): void {
  const text = `${markdown(result)}\n`;
  if (json) process.stderr.write(`\n${text}`);
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : text);
}
