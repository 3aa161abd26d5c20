import { DrayageError, type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';
import type { ConfigProblem } from './problem.ts';

/** What can be wrong with drayage.yaml and the API token, before anything is reached. */
export const configErrors = {
  'config/missing': {
    meaning: 'There is no configuration file at this place.',
    exit: exitCode.usage,
  },
  'config/unreadable': {
    meaning: 'The configuration file exists, and the operating system does not let it be read.',
    exit: exitCode.usage,
  },
  'config/invalid': {
    meaning: 'The configuration does not say what to do, or says two things at once. Nothing was changed.',
    exit: exitCode.usage,
  },
  'config/exists': {
    meaning: '`drayage init` never writes over an existing file without --force.',
    exit: exitCode.usage,
  },
  'config/not-writable': {
    meaning: 'The operating system does not let the file be written.',
    exit: exitCode.usage,
  },
  'config/no-answer': {
    meaning: 'The input ended before every question was answered. Nothing was written.',
    exit: exitCode.usage,
  },
  'token/missing': {
    meaning: 'Proxmox VE answers only to a known user; drayage speaks as an API token.',
    exit: exitCode.usage,
  },
  'token/unreadable': {
    meaning: 'The token file could not be read.',
    exit: exitCode.usage,
  },
  'token/exposed': {
    meaning: 'Other users of this machine could read or replace the token.',
    exit: exitCode.usage,
  },
  'token/malformed': {
    meaning: 'An API token of Proxmox VE is USER@REALM!NAME=SECRET, on one line.',
    exit: exitCode.usage,
  },
  'token/other-cluster': {
    meaning:
      'The environment names one cluster and the configuration another; the token of the one must not be sent to the other.',
    exit: exitCode.usage,
  },
} as const satisfies ErrorCatalogue;

export const configError = errorsOf(configErrors);

/** Every problem of one configuration file, in the order of the file. */
export class ConfigError extends DrayageError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const first = problems[0];
    super('config/invalid', configErrors['config/invalid'], {
      seen: problems.map(problemText).join('\n'),
      next: ['correct the file as each message says, then run the command again'],
      ...(first && { where: `${first.file}:${first.line}:${first.column}` }),
    });
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `drayage.yaml:12:5: what is wrong`, and below it what to write. */
export function problemText(problem: ConfigProblem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.what}\n  write: ${problem.write}`;
}
