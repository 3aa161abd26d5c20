import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

export const verifyErrors = {
  'verify/unreadable': {
    meaning: 'Not every entry of the tree could be read, so nothing can be said about it as a whole.',
    exit: exitCode.failed,
  },
  'verify/unreadable-output': {
    meaning: 'A tool answered in a shape that is not known. Nothing is concluded from it.',
    exit: exitCode.failed,
  },
  'verify/scratch': {
    meaning:
      'The lists of a tree are put in order on the controller by sort(1), in files of its own. It could not do so.',
    exit: exitCode.failed,
  },
  'verify/manifest': {
    meaning: 'A manifest is not whole, is not one, or does not fit the other: nothing is concluded from it.',
    exit: exitCode.failed,
  },
  'verify/no-sample': {
    meaning: 'The guest does not see the same bytes through the share as the node has on its file system.',
    exit: exitCode.differenceFound,
  },
} satisfies ErrorCatalogue;

export const verifyError = errorsOf(verifyErrors);
