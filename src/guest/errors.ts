import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

export const guestErrors = {
  'guest/unexpected-output': {
    meaning:
      'A program of the machine answered in a way that drayage does not know. It does not guess; nothing was changed.',
    exit: exitCode.failed,
  },
  'guest/not-read-only': {
    meaning:
      'Inspection was about to run a command that is not on its list of commands that only look. It was not run.',
    exit: exitCode.refused,
  },
} as const satisfies ErrorCatalogue;

export const guestError = errorsOf(guestErrors);
