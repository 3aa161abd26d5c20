import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/**
 * The staged texts of Nix files are parsed by Nix, all by one process: what git would commit is not what lies in the folder.
 * @returns how many; undefined: this machine has no Nix
 * @throws check/nix
 */
export async function stagedNixParses(
  git: Git,
  staged: readonly string[],
  host: Host,
): Promise<number | undefined> {
  const paths = staged.filter((path) => path.endsWith('.nix'));
  if ((await host.run(['sh', '-c', 'command -v nix-instantiate'])).exitCode !== 0) return undefined;
  if (paths.length === 0) return 0;
  const contents = await git.contents(paths);
  const folder = await mkdtemp(join(tmpdir(), 'drayage-check-'));
  try {
    const files = paths.map((_, index) => join(folder, `${index}.nix`));
    await Promise.all(
      files.map((file, index) => writeFile(file, contents[index] as Buffer, { mode: 0o600 })),
    );
    const parsed = await host.run(
      [
        'env',
        'NIX_CONFIG=build-users-group =',
        'nix-instantiate',
        '--store',
        'dummy://',
        '--parse',
        ...files,
      ],
      { timeoutSeconds: 60 },
    );
    if (parsed.exitCode === 0) return paths.length;
    const said = parsed.stderr.toString('utf8').trim();
    const [whole, number] = new RegExp(`${folder}/(\\d+)\\.nix`).exec(said) ?? [];
    const path = paths[Number(number)];
    throw checkError('check/nix', {
      seen: (whole === undefined ? said : said.replaceAll(whole, path ?? whole)).slice(0, 500),
      next: [`git show :${path ?? 'PATH'} | nix-instantiate --parse -`],
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
