/** The published exit codes of `drayage` (design.md, "Command line"). */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  changesPending: 3,
  differenceFound: 4,
  refused: 5,
  partial: 6,
  rolledBack: 7,
  drifted: 10,
  locked: 11,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
