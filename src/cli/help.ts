/** The closing block of each command's help: what the exit codes mean there, and what to type. */
const meanings: Record<number, string> = {
  0: 'done',
  1: 'failed',
  2: 'wrong usage, or a problem in the configuration; nothing was changed',
  3: 'changes are pending (only with --detailed-exitcode)',
  4: 'verification found a difference',
  5: 'refused by a guard; nothing was changed',
  6: 'stopped part-way; run it again to go on',
  7: 'the window was taken back: the workloads run on the source again',
  10: 'the world is not as the plan expects; make a new plan',
  11: 'another run holds the lock',
  130: 'interrupted',
};

/** @param codes exit codes of the command, beside 0, 1 and 2 */
export function closing(options: {
  examples: readonly (readonly [string, string])[];
  codes: readonly number[];
}): string {
  const width = Math.max(...options.examples.map(([command]) => command.length));
  const examples = options.examples.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`);
  const codes = [0, 1, 2, ...options.codes].map((code) => `  ${String(code).padStart(3)}  ${meanings[code]}`);
  return ['', 'Examples:', ...examples, '', 'Exit status:', ...codes, ''].join('\n');
}
