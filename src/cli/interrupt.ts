/**
 * Ctrl-C (and SIGTERM) while a command runs: the first asks to finish the operation at hand, the second to stop at once.
 * A third has Node's own effect: the process ends.
 */
export async function withInterrupt<T>(
  run: (signals: { finish: AbortSignal; stop: AbortSignal }) => Promise<T>,
): Promise<T> {
  const finish = new AbortController();
  const stop = new AbortController();
  const interrupted = () => {
    if (!finish.signal.aborted) {
      finish.abort();
      process.stderr.write('\nFinishing the operation at hand. Ctrl-C again stops at once.\n');
    } else if (!stop.signal.aborted) {
      stop.abort();
    } else {
      process.exit(130);
    }
  };
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  try {
    return await run({ finish: finish.signal, stop: stop.signal });
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
}
