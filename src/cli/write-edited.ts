import type { Config } from '../config/config.ts';
import { type ExitCode, exitCode } from '../errors/exit-code.ts';
import { type FleetFileEdit, writeFleetPlan } from '../plan/fleet/write-hosts.ts';
import { fleetAsText } from '../plan/render/fleet.ts';
import { controllerHost } from '../ssh/local.ts';
import { usageError } from './errors.ts';
import { withInterrupt } from './interrupt.ts';
import { performPlan } from './perform-plan.ts';
import type { Terminal } from './terminal.ts';
import { packageVersion } from './version.ts';

/** Shows what becomes of a file of the fleet, asks, and writes it. */
export async function writeEdited(
  edit: FleetFileEdit,
  options: {
    readonly config: Config;
    readonly terminal: Terminal;
    readonly yes: boolean;
    /** The command, for who has no terminal. */
    readonly again: string;
  },
): Promise<ExitCode> {
  const { config, terminal, yes, again } = options;
  if (edit.after === edit.before) {
    if (terminal.json) terminal.out.write(`${JSON.stringify({ type: 'unchanged', file: edit.path })}\n`);
    else terminal.err.write(`${edit.attribute} in ${edit.path} is already so.\n`);
    return exitCode.done;
  }
  const plan = writeFleetPlan(edit, packageVersion());
  if (terminal.json) terminal.out.write(`${JSON.stringify({ type: 'plan', plan })}\n`);
  else terminal.out.write(fleetAsText(plan, edit, terminal.palette));
  if (!yes) {
    if (!terminal.interactive)
      throw usageError('usage/no-terminal', {
        seen: `${edit.path} would be changed`,
        next: [`${again} --yes`],
      });
    if (!/^y(es)?$/i.test(await terminal.ask('Write it? [y/N] '))) {
      terminal.err.write('Nothing was written.\n');
      return exitCode.done;
    }
  }
  await withInterrupt((signals) =>
    performPlan(config, plan, { ...signals, folder: 'fleet-runs', hosts: () => controllerHost() }),
  );
  if (!terminal.json) terminal.err.write(`${edit.path} is written.\n`);
  return exitCode.done;
}
