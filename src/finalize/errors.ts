import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';
import { finalizePlanErrors } from '../plan/finalize/errors.ts';

/** Of letting the old data go: why it may not yet, and what can go wrong. */
export const finalizeErrors = {
  ...finalizePlanErrors,
  'finalize/unreadable-output': {
    exit: exitCode.failed,
    meaning: 'A tool answered in a shape that is not known. Nothing is concluded from it.',
  },
} as const satisfies ErrorCatalogue;

export const finalizeError = errorsOf(finalizeErrors);
