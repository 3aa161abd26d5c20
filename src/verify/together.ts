/**
 * Runs work whose parts belong together: when one of them fails, the others are given up, and what is thrown is what
 * failed first, not that it was given up.
 * @param work gets the signal for its parts, and `task` for those that run beside it
 */
export async function together<T>(
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal, task: <R>(part: Promise<R>) => Promise<R>) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const parts: Promise<unknown>[] = [];
  let failure: { readonly error: unknown } | undefined;
  const task = <R>(part: Promise<R>): Promise<R> => {
    parts.push(part);
    part.catch((error: unknown) => {
      failure ??= { error };
      stop.abort();
    });
    return part;
  };
  const all = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  try {
    return await task(work(all, task));
  } catch (error) {
    await Promise.allSettled(parts);
    throw failure === undefined ? error : failure.error;
  } finally {
    // What is left (a sorter that nobody asked) ends with it.
    stop.abort();
  }
}
