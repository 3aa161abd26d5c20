import { guestError } from '../guest/errors.ts';
import { isReadOnly } from '../guest/read-only.ts';
import type { Host, RunOptions, RunResult } from '../ssh/host.ts';

/** Seconds without an answer before a walk over the source is given up. */
const walkTimeoutSeconds = 600;

/**
 * Runs a command whose output is too much for a probe; it must be one that only looks.
 * @throws `guest/not-read-only`; what `Host.run` throws.
 */
export async function look(
  host: Host,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  if (!isReadOnly(argv)) {
    throw guestError('guest/not-read-only', {
      seen: argv.join(' '),
      next: ['report this as a bug of drayage: inspection must only look'],
    });
  }
  return host.run(argv, { timeoutSeconds: walkTimeoutSeconds, ...options });
}
