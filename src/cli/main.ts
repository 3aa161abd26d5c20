#!/usr/bin/env -S node --min-semi-space-size=16 --max-semi-space-size=16
import { CommanderError } from 'commander';
import { exitCode } from '../errors/exit-code.ts';
import { commandSpecs } from './commands.ts';
import { type Action, allCommands, buildProgram, type GlobalOptions } from './program.ts';
import { showError } from './show-error.ts';
import { openTerminal } from './terminal.ts';

async function run(
  action: Action,
  globals: GlobalOptions,
  options: Record<string, unknown>,
  args: readonly string[],
): Promise<number> {
  try {
    return await action(globals, options, args);
  } catch (error) {
    return showError(error, openTerminal({ color: globals.color, json: globals.json === true }, process.env));
  }
}

/** A reader that goes away (`drayage plan | head`) is not an error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCode.done);
  throw error;
});

const program = buildProgram(
  commandSpecs,
  (code) => {
    process.exitCode = code;
  },
  run,
);
for (const command of allCommands(program)) command.exitOverride();
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed what is wrong; its own code for that is 1, ours is 2.
  process.exitCode = error.exitCode === 0 || error.code === 'commander.help' ? exitCode.done : exitCode.usage;
}
