/** Seconds of each run of one kind of work. */
export interface Measured {
  readonly what: string;
  readonly seconds: readonly number[];
}

/** The middle value; of two, their mean. @throws RangeError without values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [left, right] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  if (left === undefined || right === undefined) throw new RangeError('no measurement');
  return (left + right) / 2;
}

/** A Markdown table: each comparison is the plain tool, then drayage, and how many times the time of the one is that of the other. */
export function table(
  comparisons: readonly { readonly plain: Measured; readonly drayage: Measured }[],
): string {
  const cell = ({ what, seconds }: Measured) =>
    `${what} | ${median(seconds).toFixed(1)} s (${seconds.map((each) => each.toFixed(1)).join(', ')})`;
  return [
    '| written plan | median (runs) | drayage | median (runs) | plan : drayage |',
    '| --- | --- | --- | --- | --- |',
    ...comparisons.map(({ plain, drayage }) => {
      const ratio = median(plain.seconds) / median(drayage.seconds);
      return `| ${cell(plain)} | ${cell(drayage)} | ${ratio.toFixed(2)} |`;
    }),
  ].join('\n');
}
