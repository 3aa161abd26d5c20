import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

/** What `drayage check` finds, and what keeps it from being a git hook. */
export const checkErrors = {
  'check/secret-staged': {
    exit: exitCode.refused,
    meaning:
      'What is committed stays in the history, and with every clone. A secret that was committed once has to be replaced.',
  },
  'check/not-staged': {
    exit: exitCode.failed,
    meaning:
      'What is about to be committed and the files made from it would not belong together: git takes the staged text.',
  },
  'check/nix': { exit: exitCode.failed, meaning: 'Nix cannot parse the staged text.' },
  'check/drift': {
    exit: exitCode.drifted,
    meaning: 'Files, state and cluster do not say the same.',
  },
  'check/no-repository': {
    exit: exitCode.usage,
    meaning: 'A hook belongs to a git repository, and this folder is in none.',
  },
  'check/other-hooks': {
    exit: exitCode.refused,
    meaning:
      'The hooks of this repository are kept by somebody else, who would write over a hook of drayage or never call it.',
  },
} as const satisfies ErrorCatalogue;

export const checkError = errorsOf(checkErrors);
