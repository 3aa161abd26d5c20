/** What rsync's exit codes mean, in the words of rsync(1), EXIT VALUES. */
const meanings: Readonly<Record<number, string>> = {
  0: 'Success',
  1: 'Syntax or usage error',
  2: 'Protocol incompatibility',
  3: 'Errors selecting input/output files, directories',
  4: 'Requested action not supported',
  5: 'Error starting client-server protocol',
  6: 'Daemon unable to append to log-file',
  10: 'Error in socket I/O',
  11: 'Error in file I/O',
  12: 'Error in rsync protocol data stream',
  13: 'Errors with program diagnostics',
  14: 'Error in IPC code',
  15: 'Sibling process crashed',
  16: 'Sibling process was killed by a signal',
  19: 'Received SIGUSR1',
  20: 'Received SIGINT, SIGTERM, or SIGHUP',
  21: 'Some error returned by waitpid()',
  22: 'Error allocating core memory buffers',
  23: 'Partial transfer due to error',
  24: 'Partial transfer due to vanished source files',
  25: 'The --max-delete limit stopped deletions',
  30: 'Timeout in data send/receive',
  35: 'Timeout waiting for daemon connection',
};

/** One sentence for an exit code of rsync; codes that its manual does not list come from the shell or from ssh. */
export function rsyncMeaning(exitCode: number): string {
  const documented = meanings[exitCode];
  if (documented !== undefined) return `rsync(1): exit value ${exitCode}, "${documented}".`;
  if (exitCode === 255)
    return 'ssh(1): 255 is its exit status "if an error occurred": rsync never spoke with the other side.';
  if (exitCode === 127) return 'The shell exits with 127 when it finds no such command.';
  return `Exit value ${exitCode} is not in the list of rsync(1).`;
}
