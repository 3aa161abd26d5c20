import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

export const gitErrors = {
  'git/failed': { exit: exitCode.failed, meaning: 'git ended with an error, in its own words.' },
} as const satisfies ErrorCatalogue;

export const gitError = errorsOf(gitErrors);
