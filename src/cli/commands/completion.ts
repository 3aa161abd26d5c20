import { exitCode } from '../../errors/exit-code.ts';
import { commandSpecs } from '../commands.ts';
import { completionScript, type Shell, shells } from '../completion.ts';
import { usageError } from '../errors.ts';
import type { Action } from '../program.ts';

export const completion: Action = async (_globals, _options, [shell]) => {
  if (!shells.includes(shell as Shell)) {
    throw usageError('usage/unknown-shell', {
      seen: `no completion for ${shell}`,
      next: shells.map((known) => `drayage completion ${known}`),
    });
  }
  process.stdout.write(completionScript(shell as Shell, commandSpecs));
  return exitCode.done;
};
