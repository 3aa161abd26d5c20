/** One line of the table: one fault at one operation, and what came of it. */
export interface Row {
  /** `power-cycle doc1 #2`, or a command of drayage. */
  readonly operation: string;
  /** `killed during`, `API: 596, and performed`. */
  readonly fault: string;
  /** `yes`: the next run of drayage went on by itself. `by hand`: after what the error advised. */
  readonly resumed: 'yes' | 'by hand' | 'no' | 'not needed';
  /** Of the migration that the row belongs to; undefined: it has not come to its end. */
  readonly endStateEqual?: boolean;
  /** Laws that were broken meanwhile, with what was seen. */
  readonly broken: readonly string[];
  /** What the reader should know: an exit code, an advice, how it was settled. */
  readonly note?: string;
  /** Beside `no`: what was expected, and what came. */
  readonly wrong?: string;
}

const timeIsUp = 'not begun: the time was up';

/** A row for which no time was left. */
export const notBegun = (operation: string, fault: string): Row => ({
  ...{ operation, fault, resumed: 'not needed', broken: [] },
  wrong: timeIsUp,
});

/** How many of them happened. */
export const happened = (rows: readonly Row[]): number =>
  rows.filter(({ wrong }) => wrong !== timeIsUp).length;

/** A row without an end, a difference, a broken law or a surprise. */
export const isGood = (row: Row): boolean =>
  row.resumed !== 'no' && row.endStateEqual === true && row.broken.length === 0 && row.wrong === undefined;

const heads = ['operation', 'fault', 'resumed', 'end state equal', 'laws held'] as const;

function cells(row: Row): string[] {
  const equal = row.endStateEqual === undefined ? 'unknown' : row.endStateEqual ? 'yes' : 'NO';
  return [
    row.operation,
    row.fault,
    row.resumed === 'no' ? 'NO' : row.resumed,
    equal,
    row.broken.length === 0 ? 'yes' : 'NO',
  ];
}

/** The table for a terminal: columns as wide as their widest cell, what is wrong below its row. */
export function table(rows: readonly Row[]): string {
  const all = [[...heads], ...rows.map(cells)];
  const widths = heads.map((_, column) => Math.max(...all.map((line) => (line[column] ?? '').length)));
  const line = (parts: readonly string[]) =>
    parts
      .map((part, column) => part.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [
    line(heads),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.flatMap((row) => [
      `${line(cells(row))}${row.note === undefined ? '' : `  ${row.note}`}`,
      ...(row.wrong === undefined ? [] : [`    ${row.wrong}`]),
      ...row.broken.map((text) => `    ${text}`),
    ]),
  ].join('\n');
}

/** `N of N rows are good`, and how many were not begun. */
export function count(rows: readonly Row[]): string {
  const good = rows.filter(isGood).length;
  const left = rows.length - happened(rows);
  return `${good} of ${rows.length} rows are good${left === 0 ? '' : `, ${left} not begun`}`;
}
