import { dirname } from 'node:path';
import { checkError } from '../../check/errors.ts';
import { hookFolder } from '../../check/hooks.ts';
import { belowTop, type CheckItem, type Outcome, runChecks } from '../../check/run.ts';
import { noSecretStaged, stagedNixParses, stagedTogether } from '../../check/staged.ts';
import { readSecretFile, readToken } from '../../config/token.ts';
import { DrayageError } from '../../errors/error.ts';
import { exitCode } from '../../errors/exit-code.ts';
import { type Git, openGit } from '../../git/client.ts';
import type { Fleet } from '../../nix/fleet.ts';
import { installHook, uninstallHook } from '../../plan/hook.ts';
import { operationsPlan } from '../../plan/tofu/operations.ts';
import { controllerHost } from '../../ssh/local.ts';
import { lookForDrift } from '../../stack/drift.ts';
import { generatedFiles, lookAtStack } from '../../stack/files.ts';
import { tofuError } from '../../tofu/errors.ts';
import type { Action } from '../program.ts';
import { showError } from '../show-error.ts';
import type { Terminal } from '../terminal.ts';
import { type TofuSession, withTofu } from '../tofu-session.ts';

export const check: Action = (globals, options) =>
  withTofu(globals, async (session) => {
    const git = await openGit(controllerHost(), dirname(session.config.file));
    if (options.install === true || options.uninstall === true)
      return changeHook(session, git, options.install === true);
    const staged = git === undefined ? [] : await git.staged();
    const outcomes = await runChecks(itemsOf(session, git, staged, options.offline === true));
    for (const outcome of outcomes) show(outcome, session.terminal);
    const failed = outcomes.find((outcome) => outcome.is === 'failed');
    return failed?.is === 'failed' ? failed.error.exit : exitCode.done;
  });

function itemsOf(
  session: TofuSession,
  git: Git | undefined,
  staged: readonly string[],
  offline: boolean,
): CheckItem[] {
  const { config } = session;
  const good = (what: string) => ({ is: 'good' as const, what });
  const skipped = (what: string) => ({ is: 'skipped' as const, what });
  const noTofu = `${config.file} has no tofu section`;
  const notRead = 'hosts.nix was not read';
  // Read once; what is wrong with it is told once, by the check of Nix.
  const reading = session.fleet().catch((error: unknown) => error as Error);
  const fleetOf = async () => {
    const fleet = await reading;
    return fleet instanceof Error ? undefined : { ...(fleet === undefined ? {} : { fleet }) };
  };
  return [
    { name: 'configuration', run: async () => good(`${config.file} is valid`) },
    {
      name: 'nix',
      run: async () => {
        if (config.hosts === undefined) return skipped(`${config.file} names no hosts.nix`);
        const fleet = await reading;
        if (fleet instanceof Error) throw fleet;
        const { evaluated, hosts } = fleet as Fleet;
        const parsed = git === undefined ? 0 : await stagedNixParses(git, staged, controllerHost());
        return good(
          `${hosts.length} hosts, ${evaluated ? 'evaluated by Nix' : 'read as they are written: no Nix here'}${parsed ? `; ${parsed} staged files parsed` : ''}`,
        );
      },
    },
    {
      name: 'generated files',
      run: async () => {
        if (config.tofu === undefined) return skipped(noTofu);
        const fleet = await fleetOf();
        if (fleet === undefined) return skipped(notRead);
        const { stale } = await lookAtStack({ config, ...fleet });
        if (stale.length > 0)
          throw tofuError('tofu/stale', {
            seen: stale.map(({ path }) => path).join(', '),
            next: ['drayage tofu generate'],
          });
        if (git !== undefined) await stagedTogether(git, staged, config, generatedFiles(config.tofu));
        return good('fresh');
      },
    },
    {
      name: 'tofu',
      run: async () => {
        if (config.tofu === undefined) return skipped(noTofu);
        try {
          const client = await session.tofu();
          const valid = await client.validate();
          return valid.kind === 'valid'
            ? good(`${client.program.command} ${client.program.version}: valid`)
            : skipped(`${valid.seen}: ${client.program.command} -chdir=${client.folder} init`);
        } catch (error) {
          if (error instanceof DrayageError && error.code === 'tofu/not-found')
            return skipped('neither tofu nor terraform is here');
          // The check of the generated files tells of it.
          if (error instanceof DrayageError && error.code === 'tofu/no-folder') return skipped(error.seen);
          throw error;
        }
      },
    },
    {
      name: 'secrets',
      run: async () => {
        if (git === undefined) return skipped('not a git repository');
        await noSecretStaged(git, staged, knownSecrets(session));
        return good(`${staged.length} staged file${staged.length === 1 ? '' : 's'}, nothing secret`);
      },
    },
    {
      name: 'drift',
      run: async () => {
        if (offline) return skipped('--offline');
        const fleet = await fleetOf();
        if (fleet === undefined) return skipped(notRead);
        const found = await lookForDrift({
          config,
          ...fleet,
          proxmox: session.proxmox(),
          tofu: config.tofu === undefined ? async () => undefined : () => session.tofu(),
        });
        if (found.length > 0)
          throw checkError('check/drift', {
            seen: found.join('\n'),
            next: ['drayage tofu generate', 'drayage tofu plan', 'drayage plan'],
          });
        return good('files, state and cluster agree');
      },
    },
  ];
}

/** The secrets that this machine uses; a file that cannot be read has none that could be staged from here. */
function knownSecrets({ config }: TofuSession): string[] {
  const found: string[] = [];
  const take = (read: () => string) => {
    try {
      const value = read();
      if (value.length >= 8) found.push(value);
    } catch (error) {
      if (!(error instanceof DrayageError)) throw error;
    }
  };
  take(() => readToken(config, process.env).header().split('=').slice(2).join('='));
  const { notify } = config;
  if (notify?.tokenFile !== undefined) take(() => readSecretFile(notify.tokenFile as string).trim());
  return found;
}

function show(outcome: Outcome, terminal: Terminal): void {
  if (outcome.is === 'failed') {
    if (!terminal.json) terminal.err.write(`${terminal.talk.bad('failed ')} ${outcome.name}\n`);
    showError(outcome.error, terminal);
    return;
  }
  const { name, is, what } = outcome;
  if (terminal.json) terminal.out.write(`${JSON.stringify({ type: 'check', name, is, what })}\n`);
  else {
    const sign = is === 'good' ? terminal.palette.good('good   ') : terminal.palette.dim('skipped');
    terminal.out.write(`${sign} ${name}: ${what}\n`);
  }
}

async function changeHook(session: TofuSession, git: Git | undefined, install: boolean): Promise<number> {
  const { config, terminal } = session;
  const file = git === undefined ? undefined : belowTop(git.top, config.file);
  if (git === undefined || file === undefined)
    throw checkError('check/no-repository', {
      seen: `${config.file} is not in a git repository`,
      next: ['git init'],
    });
  const command = [...(await howToCall()), '--file', file, 'check', '--offline'];
  const folder = await hookFolder(git, command);
  const operations = install ? installHook(folder, command) : uninstallHook(folder);
  if (operations.length > 0)
    await session.perform(
      operationsPlan('git hook', 'The hook of this repository', operations, session.drayage),
    );
  const hook = `${folder.path}/pre-commit`;
  const done = install ? `${hook} calls drayage check` : `${hook} is not drayage's`;
  if (terminal.json)
    terminal.out.write(`${JSON.stringify({ type: 'hook', hook, changed: operations.length > 0 })}\n`);
  else terminal.out.write(`${done}.\n`);
  return exitCode.done;
}

/** The name on the PATH, which outlives an upgrade; else this very program. */
async function howToCall(): Promise<string[]> {
  const found = await controllerHost().run(['sh', '-c', 'command -v drayage']);
  return found.exitCode === 0 ? ['drayage'] : [process.execPath, process.argv[1] as string];
}
