import { loadConfig } from '../../config/load.ts';
import { defaultProviderVersion, readProviderPin } from '../../config/provider-version.ts';
import { editedFile } from '../../nix/edited-file.ts';
import { editProviderVersion } from '../../nix/provider-version.ts';
import { quoteArgv } from '../../ssh/quote.ts';
import { usageError } from '../errors.ts';
import type { Action } from '../program.ts';
import { openTerminal } from '../terminal.ts';
import { writeEdited } from '../write-edited.ts';

export const tofuBump: Action = async (globals, options, [file = '']) => {
  const terminal = openTerminal({ color: globals.color, json: globals.json === true }, process.env);
  const config = loadConfig(globals.file, process.env, { unmade: true });
  const to = typeof options.to === 'string' ? options.to : (config.tofu?.provider ?? defaultProviderVersion);
  const pin = readProviderPin(to);
  if ('problem' in pin)
    throw usageError('usage/provider-version', {
      seen: `--to ${to}: it ${pin.problem}`,
      next: [`drayage tofu bump ${quoteArgv([file])} --to ${defaultProviderVersion}`],
    });
  const { before, after, from } = await editProviderVersion(file, pin.dialect.constraint);
  const edit = await editedFile(before, after, {
    attribute: `the version of bpg/proxmox (${from})`,
    evaluated: false,
  });
  const how = 'One string of the file becomes another one; every other token stays.';
  const again = `drayage tofu bump ${quoteArgv([file, ...(options.to === undefined ? [] : ['--to', to])])}`;
  return writeEdited({ ...edit, how }, { config, terminal, yes: options.yes === true, again });
};
