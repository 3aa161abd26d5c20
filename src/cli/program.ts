import { Command, type Option } from 'commander';
import { commandGroups } from './groups.ts';
import { helpWidth } from './help.ts';
import { packageVersion } from './version.ts';

/** Options that every command understands. */
export interface GlobalOptions {
  readonly file: string;
  readonly json?: boolean;
  readonly color: boolean;
}

/** What a command resolves to: the exit code of the process. */
export type Action = (
  globals: GlobalOptions,
  options: Record<string, unknown>,
  args: readonly string[],
) => Promise<number>;

export interface CommandSpec {
  /** One word, or two: the first one is then a group of groups.ts. */
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly arguments?: readonly (readonly [flags: string, description: string])[];
  readonly options?: readonly Option[];
  /** Examples and exit codes, for a number of columns. */
  readonly closing: (width: number) => string;
  /** Loaded when the command runs, so that `--help` and completion stay quick. */
  readonly load: () => Promise<Action>;
}

export function buildProgram(
  specs: readonly CommandSpec[],
  finish: (code: number) => void,
  run: (
    action: Action,
    globals: GlobalOptions,
    options: Record<string, unknown>,
    args: readonly string[],
  ) => Promise<number>,
): Command {
  const program = new Command('drayage')
    .description(
      'Moves the storage of running containers from the disks of virtual machines onto a shared ZFS dataset on a Proxmox VE node, served to new virtual machines over virtiofs: look, plan, a downtime of seconds, proof of every byte, and a way back.',
    )
    .version(packageVersion(), '-V, --version', 'the version')
    .option('-f, --file <file>', 'the configuration', 'drayage.yaml')
    .option('--json', 'results and events as JSON, one object a line, on stdout')
    .option('--no-color', 'no colour (also: NO_COLOR)')
    .helpOption('-h, --help', 'this help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      getOutHelpWidth: () => helpWidth(process.stdout, process.env),
      getErrHelpWidth: () => helpWidth(process.stderr, process.env),
    })
    .showSuggestionAfterError(true)
    .showHelpAfterError('(drayage --help lists the commands)')
    .addHelpText(
      'after',
      [
        '',
        'A first evening:',
        '  drayage init     write drayage.yaml',
        '  drayage inspect  see what is there',
        '  drayage plan     see what would be done; nothing is',
        '  drayage apply    do it; asks before the downtime',
        '  drayage verify   prove it again, any time',
        '',
        'drayage COMMAND --help has examples and the exit status of each command.',
        '',
      ].join('\n'),
    );
  for (const spec of specs) {
    const words = spec.name.split(' ');
    const name = words.pop() as string;
    const command = parentOf(program, words[0])
      .command(name)
      .summary(spec.summary)
      .description(spec.description)
      .addHelpText('after', ({ error, command: shown }) => {
        const { getErrHelpWidth, getOutHelpWidth } = shown.configureOutput();
        return spec.closing((error ? getErrHelpWidth?.() : getOutHelpWidth?.()) ?? 80);
      });
    for (const [flags, description] of spec.arguments ?? []) command.argument(flags, description);
    for (const option of spec.options ?? []) command.addOption(option);
    command.action(async (...received) => {
      const args = received.slice(0, -2).filter((value): value is string => typeof value === 'string');
      finish(await run(await spec.load(), program.opts<GlobalOptions>(), command.opts(), args));
    });
  }
  return program;
}

/** The command of a group, made when its first member comes. */
function parentOf(program: Command, group: string | undefined): Command {
  if (group === undefined) return program;
  const known = program.commands.find((command) => command.name() === group);
  if (known !== undefined) return known;
  const summary = commandGroups[group] ?? '';
  return program
    .command(group)
    .summary(summary)
    .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
    .helpCommand(false)
    .showHelpAfterError(`(drayage ${group} --help lists the commands)`);
}

/** The program and every command of it, those of groups too. */
export function allCommands(program: Command): Command[] {
  return [program, ...program.commands.flatMap(allCommands)];
}
