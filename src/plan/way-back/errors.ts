import type { ErrorCatalogue } from '../../errors/error.ts';
import { exitCode } from '../../errors/exit-code.ts';
import type { Blocker } from '../plan.ts';

const refused = exitCode.refused;

/** Why the way back cannot be gone as the world is now. */
export const rollbackPlanErrors = {
  'rollback/no-record': {
    exit: refused,
    meaning:
      'This drayage has no record of the run that did it: it was done from another folder or machine, or the record is lost. What was there before, and what ran, is not known here.',
  },
  'rollback/no-snapshot': {
    exit: refused,
    meaning:
      'The snapshot of the cutover is what tells what the target has written since, and what keeps the old data while newer data is carried over it.',
  },
  'rollback/carry-back-begun': {
    exit: refused,
    meaning:
      'Carrying back has begun, so the source is in part as the target left it. Discarding now would start the workloads on a mixture.',
  },
  'rollback/source-changed': {
    exit: refused,
    meaning:
      'The source is not as it was left when the window closed: somebody has written there since. The snapshot of the cutover does not have it, and carrying back would write over it.',
  },
  'rollback/too-many-deletions': {
    exit: refused,
    meaning: 'Carrying back would delete more entries on the source than `maxDelete` of this move allows.',
  },
  'rollback/other-workloads': {
    exit: refused,
    meaning:
      'Something that did not come with the move uses its path on the target, and runs. It would go on writing there after the way back has begun.',
  },
  'rollback/not-reached': {
    exit: refused,
    meaning:
      'Stopping the workloads there, and seeing that they stay stopped, needs the machine. Without it, both sides could run.',
  },
} as const satisfies ErrorCatalogue;

export function rollbackBlocker(
  code: keyof typeof rollbackPlanErrors,
  facts: { move: string; seen: string; next: readonly string[] },
): Blocker {
  return {
    code,
    move: facts.move,
    seen: facts.seen,
    meaning: rollbackPlanErrors[code].meaning,
    next: [...facts.next],
  };
}
