import { wrap } from '../plan/render/words.ts';

/** The closing block of each command's help: what to type, and what the exit codes mean there. */
const meanings: Record<number, string> = {
  0: 'done',
  1: 'failed',
  2: 'wrong usage, or a problem in the configuration; nothing was changed',
  3: 'changes are pending (only with --detailed-exitcode)',
  4: 'verification found a difference',
  5: 'refused by a guard or a blocker; what it refused was not done',
  6: 'stopped part-way; run it again to go on',
  7: 'the window was taken back: the workloads run on the source again',
  10: 'the world is not as the plan expects; make a new plan',
  11: 'another run holds the lock',
  130: 'interrupted',
};

/** Lines longer than this are hard to read, however wide the terminal is. */
const widest = 100;

/** Columns for help: those of the terminal, otherwise of COLUMNS (as man(1) does), otherwise 80. */
export function helpWidth(stream: { readonly columns?: number }, env: NodeJS.ProcessEnv): number {
  const columns = stream.columns ?? Number(env.COLUMNS);
  return columns >= 40 ? Math.min(columns, widest) : 80;
}

/** @param codes exit codes of the command, beside 0, 1 and 2 */
export function closing(options: {
  examples: readonly (readonly [command: string, what: string])[];
  codes: readonly number[];
}): (width: number) => string {
  return (width) =>
    [
      '',
      'Examples:',
      ...columns(options.examples, width),
      '',
      'Exit status:',
      ...columns(
        [0, 1, 2, ...options.codes].map((code) => [String(code).padStart(3), meanings[code] ?? '']),
        width,
      ),
      '',
    ].join('\n');
}

/** Two columns; the right one goes on below itself. */
function columns(rows: readonly (readonly [string, string])[], width: number): string[] {
  const left = Math.max(...rows.map(([first]) => first.length));
  const indent = left + 4;
  return rows.flatMap(([first, what]) =>
    wrap(what, Math.max(20, width - indent)).map((line, i) =>
      i === 0 ? `  ${first.padEnd(left)}  ${line}` : `${' '.repeat(indent)}${line}`,
    ),
  );
}
