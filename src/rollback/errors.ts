import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';
import { rollbackPlanErrors } from '../plan/way-back/errors.ts';

/** Of the way back: why it cannot be planned, and what can go wrong on it. */
export const rollbackErrors = {
  ...rollbackPlanErrors,
  'rollback/choice': {
    exit: exitCode.refused,
    meaning:
      'The target was allowed to write. Going back either carries what it wrote to the source, or discards it: that choice is made by name.',
  },
  'rollback/source-differs': {
    exit: exitCode.differenceFound,
    meaning:
      'The source has other content than the snapshot of the cutover, by the same names and metadata: somebody has written to it, or its disk does not return what was written. Carrying newer data over it would hide that. Nothing was stopped.',
  },
  'rollback/window-of-others': {
    exit: exitCode.refused,
    meaning:
      'A window is open that holds other moves than those to take back. It is gone on with, or taken back, as a whole.',
  },
  'rollback/unreadable-output': {
    exit: exitCode.failed,
    meaning: 'A tool answered in a shape that is not known. Nothing is concluded from it.',
  },
  'rollback/not-seen': {
    exit: exitCode.failed,
    meaning: 'What must be known before going back could not be read.',
  },
} as const satisfies ErrorCatalogue;

export const rollbackError = errorsOf(rollbackErrors);
