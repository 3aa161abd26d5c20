import type { ErrorCatalogue } from '../../errors/error.ts';
import { exitCode } from '../../errors/exit-code.ts';
import type { Blocker } from '../plan.ts';

const refused = exitCode.refused;

/** Why the old data may not go yet. */
export const finalizePlanErrors = {
  'finalize/not-released': {
    exit: refused,
    meaning: 'The target does not run on the new data: the old data is the only one that is in use.',
  },
  'finalize/not-proven': {
    exit: refused,
    meaning: 'No proof of the move without differences is kept here: the old data may be the only whole one.',
  },
  'finalize/soaking': {
    exit: refused,
    meaning:
      'The time that the configuration sets between the proof and the deletion is not over: what is wrong with the new place may still show itself.',
  },
  'finalize/no-record': {
    exit: refused,
    meaning:
      'Which workloads the old data belonged to is not known here, so whether they are fenced and stopped cannot be seen.',
  },
  'finalize/not-seen': {
    exit: refused,
    meaning: 'The old data could not be looked at, so it cannot be shown what would be deleted.',
  },
} as const satisfies ErrorCatalogue;

export function finalizeBlocker(
  code: keyof typeof finalizePlanErrors,
  facts: { move: string; seen: string; next: readonly string[] },
): Blocker {
  const { move, seen, next } = facts;
  return { code, move, seen, meaning: finalizePlanErrors[code].meaning, next: [...next] };
}
