import { configJsonSchema } from '../../config/json-schema.ts';
import { exitCode } from '../../errors/exit-code.ts';
import type { Action } from '../program.ts';

export const schema: Action = async () => {
  process.stdout.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
  return exitCode.done;
};
