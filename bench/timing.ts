/** Seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** The order of one run: the same each time, begun one further, so that none always has the first or the last turn. */
export function turns<T>(all: readonly T[], run: number): T[] {
  const from = run % all.length;
  return [...all.slice(from), ...all.slice(0, from)];
}

/** Would work of so many seconds, begun now, end within so many minutes from the start of the bench? */
export function endsInTime(minutes: number, expectedSeconds: number, nowMs = performance.now()): boolean {
  return nowMs / 1000 + expectedSeconds <= minutes * 60;
}

/** The middle value; of two, their mean. @throws RangeError without values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [left, right] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  if (left === undefined || right === undefined) throw new RangeError('no measurement');
  return (left + right) / 2;
}
