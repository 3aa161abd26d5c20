import type { ClusterFacts } from '../../config/init/facts.ts';
import { runInit } from '../../config/init/run.ts';
import { exitCode } from '../../errors/exit-code.ts';
import { usageError } from '../errors.ts';
import { readClusterFacts } from '../facts.ts';
import type { Action } from '../program.ts';
import { openTerminal } from '../terminal.ts';

export const init: Action = async (globals, options) => {
  const terminal = openTerminal({ color: globals.color, json: globals.json === true }, process.env);
  let facts: ClusterFacts | undefined;
  if (options.fromCluster === true) {
    facts = await readClusterFacts(
      {
        ...(typeof options.endpoint === 'string' ? { endpoint: options.endpoint } : {}),
        ...(typeof options.fingerprint === 'string' ? { fingerprint: options.fingerprint } : {}),
      },
      process.env,
    );
  } else if (!terminal.interactive) {
    throw usageError('usage/no-terminal', {
      seen: 'drayage init was started without a terminal',
      next: ['drayage init --from-cluster', 'drayage init, on a terminal'],
    });
  }
  const ask =
    terminal.interactive && options.fromCluster !== true
      ? { ask: (question: string) => terminal.line(question) }
      : {};
  await runInit(
    { file: globals.file, force: options.force === true, ...(facts === undefined ? {} : { facts }) },
    { ...ask, write: (text) => terminal.err.write(text) },
  );
  return exitCode.done;
};
