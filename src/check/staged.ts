import type { Config } from '../config/config.ts';
import type { Git } from '../git/client.ts';
import type { Host } from '../ssh/host.ts';
import { checkError } from './errors.ts';
import { belowTop } from './run.ts';
import { secretsIn } from './secrets.ts';

/** Nothing secret is staged. @throws check/secret-staged */
export async function noSecretStaged(
  git: Git,
  staged: readonly string[],
  known: readonly string[],
): Promise<void> {
  const contents = await git.contents(staged);
  const found = staged.flatMap((path, index) => secretsIn(path, contents[index] as Buffer, known));
  const [first] = found;
  if (first === undefined) return;
  const paths = [...new Set(found.map(({ path }) => path))];
  throw checkError('check/secret-staged', {
    seen: found
      .slice(0, 20)
      .map(({ path, line, what }) => `${path}${line === undefined ? '' : `:${line}`}: ${what}`)
      .join('\n'),
    next: [
      ...paths.slice(0, 5).map((path) => `git restore --staged -- '${path.replaceAll("'", "'\\''")}'`),
      'keep it out of the repository: .gitignore; or encrypted',
    ],
  });
}

/** A generated file, and what it is made from, are committed together. @throws check/not-staged */
export async function stagedTogether(
  git: Git,
  staged: readonly string[],
  config: Config,
  generated: readonly string[],
): Promise<void> {
  const sources = [config.file, ...(config.hosts === undefined ? [] : [config.hosts.file])];
  const below = (files: readonly string[]) => files.flatMap((file) => belowTop(git.top, file) ?? []);
  const all = [...below(sources), ...below(generated)];
  if (!all.some((path) => staged.includes(path))) return;
  const left = await git.unstaged(all);
  if (left.length === 0) return;
  throw checkError('check/not-staged', {
    seen: `changed and not staged: ${left.join(', ')}`,
    next: [`git add -- ${left.join(' ')}`],
  });
}

/** The staged text of Nix files is parsed by Nix. @returns how many; undefined: this machine has no Nix. @throws check/nix */
export async function stagedNixParses(
  git: Git,
  staged: readonly string[],
  host: Host,
): Promise<number | undefined> {
  const paths = staged.filter((path) => path.endsWith('.nix'));
  if ((await host.run(['sh', '-c', 'command -v nix-instantiate'])).exitCode !== 0) return undefined;
  const contents = await git.contents(paths);
  for (const [index, path] of paths.entries()) {
    const parsed = await host.run(
      ['env', 'NIX_CONFIG=build-users-group =', 'nix-instantiate', '--store', 'dummy://', '--parse', '-'],
      {
        stdin: contents[index] as Buffer,
        timeoutSeconds: 30,
      },
    );
    if (parsed.exitCode !== 0)
      throw checkError('check/nix', {
        seen: `${path}: ${parsed.stderr.toString('utf8').trim().slice(0, 500)}`,
        next: [`nix-instantiate --parse ${path}`],
      });
  }
  return paths.length;
}
