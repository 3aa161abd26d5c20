import { exitCode } from '../../errors/exit-code.ts';
import type { Action } from '../program.ts';
import { packageVersion } from '../version.ts';

export const version: Action = async (globals) => {
  const facts = { drayage: packageVersion(), node: process.version };
  process.stdout.write(
    globals.json ? `${JSON.stringify(facts)}\n` : `drayage ${facts.drayage} (Node.js ${facts.node})\n`,
  );
  return exitCode.done;
};
