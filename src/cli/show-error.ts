import { ConfigError, problemText } from '../config/errors.ts';
import { DrayageError } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';
import { wrap } from '../plan/render/words.ts';
import type { Terminal } from './terminal.ts';

/** Shows an error on stderr (as one JSON object on stdout with --json) and gives the exit code that belongs to it. */
export function showError(error: unknown, terminal: Terminal): number {
  if (terminal.json) {
    terminal.out.write(`${JSON.stringify(asJson(error))}\n`);
  } else {
    terminal.err.write(`${asText(error, terminal).join('\n')}\n`);
  }
  return error instanceof DrayageError ? error.exit : exitCode.failed;
}

function asText(error: unknown, terminal: Terminal): string[] {
  const { talk } = terminal;
  if (error instanceof ConfigError) return [...error.problems.map(problemText)];
  if (error instanceof DrayageError) {
    return [
      `${talk.bad('Error:')} ${error.where === undefined ? '' : `${error.where}: `}${error.seen}  ${talk.dim(`[${error.code}]`)}`,
      ...wrap(error.meaning, 96).map((line) => `  ${line}`),
      ...error.next.map((next) => `    ${talk.bold('->')} ${next}`),
    ];
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [
    `${talk.bad('Error:')} drayage met something that it has no name for: a defect in drayage.`,
    ...stack.split('\n').map((line) => `  ${line}`),
  ];
}

function asJson(error: unknown): object {
  if (error instanceof ConfigError) {
    return { type: 'error', code: error.code, problems: error.problems, exitCode: error.exit };
  }
  if (error instanceof DrayageError) {
    const { code, seen, meaning, next, where, exit } = error;
    return {
      type: 'error',
      code,
      seen,
      meaning,
      next,
      ...(where === undefined ? {} : { where }),
      exitCode: exit,
    };
  }
  return {
    type: 'error',
    code: 'defect',
    seen: error instanceof Error ? error.message : String(error),
    exitCode: exitCode.failed,
  };
}
