import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git/client.ts';
import { chainedName, type HookFolder, hookMark } from '../plan/hook.ts';
import { quoteArgv } from '../ssh/quote.ts';
import { checkError } from './errors.ts';

/**
 * The folder of hooks, when its `pre-commit` is this repository's own.
 * @param command what the hook calls, for the line to add where it is not
 * @throws check/other-hooks
 */
export async function hookFolder(git: Git, command: readonly string[]): Promise<HookFolder> {
  const path = await git.hooks();
  const hook = join(path, 'pre-commit');
  const current = await readFile(hook, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (current === undefined || !current.includes(hookMark)) await refuseOthers(git, current, command);
  return {
    path,
    exists: (await stat(path).catch(() => undefined))?.isDirectory() === true,
    ...(current === undefined ? {} : { current }),
    chained: existsSync(join(path, chainedName)),
  };
}

/** Managers of hooks write theirs anew, or call what their own file names. */
async function refuseOthers(
  git: Git,
  current: string | undefined,
  command: readonly string[],
): Promise<void> {
  const line = quoteArgv(command);
  const has = (name: string) => existsSync(join(git.top, name));
  const refuse = (seen: string, next: readonly string[]) => checkError('check/other-hooks', { seen, next });
  const hooksPath = await git.setting('core.hooksPath');
  if (hooksPath !== undefined && (hooksPath.includes('.husky') || has('.husky')))
    throw refuse(`core.hooksPath is ${hooksPath}: husky`, [`add to .husky/pre-commit:  ${line}`]);
  if (hooksPath !== undefined)
    throw refuse(`core.hooksPath is ${hooksPath}`, [`add to ${hooksPath}/pre-commit:  ${line}`]);
  if (has('.pre-commit-config.yaml') || current?.includes('pre-commit.com') === true)
    throw refuse('the pre-commit framework (.pre-commit-config.yaml)', [
      'add to .pre-commit-config.yaml, below `repos`:',
      `- { repo: local, hooks: [{ id: drayage, name: drayage check, entry: ${line}, language: system, pass_filenames: false, always_run: true }] }`,
    ]);
  const lefthook = ['lefthook.yml', 'lefthook.yaml', '.lefthook.yml', '.lefthook.yaml'].find(has);
  if (lefthook !== undefined || current?.includes('lefthook') === true)
    throw refuse('lefthook', [
      `add to ${lefthook ?? 'lefthook.yml'}, below pre-commit, commands:  drayage: { run: ${line} }`,
    ]);
}
