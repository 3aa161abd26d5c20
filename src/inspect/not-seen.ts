import { DrayageError } from '../errors/error.ts';
import type { NotSeen } from './findings.ts';

/** undefined, with a line in `notSeen`, when it could not be looked at. Errors of this program itself go on. */
export async function seen<T>(
  notSeen: NotSeen[],
  subject: string,
  what: string,
  look: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (
      !(error instanceof DrayageError) ||
      error.code === 'ssh/aborted' ||
      error.code === 'guest/not-read-only'
    ) {
      throw error;
    }
    const { seen, meaning } = error;
    const [next = meaning, ...more] = error.next;
    notSeen.push({ subject, what, seen, next, ...(more.length === 0 ? {} : { more }), meaning });
    return undefined;
  }
}
