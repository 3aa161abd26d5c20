import type { Host, RunOptions } from '../ssh/host.ts';
import { gitError } from './errors.ts';

/** A git repository; only looks. Names are bytes that git gives between NULs, here as UTF-8. */
export interface Git {
  /** Absolute. */
  readonly top: string;
  /** Where hooks lie, absolute; `core.hooksPath` is honoured. */
  hooks(): Promise<string>;
  setting(key: string): Promise<string | undefined>;
  /** Paths, below the top, whose staged text is not that of HEAD; what is deleted is left out. */
  staged(): Promise<string[]>;
  /** Of these paths, those whose text in the folder is not the staged one. */
  unstaged(paths: readonly string[]): Promise<string[]>;
  /** The staged text of each path, in this order; nothing of one that is larger than `largest` bytes. */
  contents(paths: readonly string[]): Promise<Buffer[]>;
}

const lookSeconds = 30;

/** Bytes of a text that is looked into. */
const largest = 5_000_000;

/** undefined: the folder is in no repository, or git is not installed. */
export async function openGit(host: Host, folder: string): Promise<Git | undefined> {
  // git exports GIT_DIR to hooks (githooks(5)); with it, the folder itself would be taken for the top.
  const found = await host.run(
    ['env', '-u', 'GIT_DIR', '-u', 'GIT_WORK_TREE', 'git', '-C', folder, 'rev-parse', '--show-toplevel'],
    { timeoutSeconds: lookSeconds },
  );
  if (found.exitCode !== 0) return undefined;
  const top = found.stdout.toString('utf8').replace(/\n$/, '');
  const run = async (args: readonly string[], options: RunOptions = {}): Promise<Buffer> => {
    const result = await host.run(['git', '-C', top, ...args], { timeoutSeconds: lookSeconds, ...options });
    if (result.exitCode === 0) return result.stdout;
    throw gitError('git/failed', {
      seen: `git ${args.join(' ')}: exit code ${result.exitCode}: ${result.stderr.toString('utf8').trim()}`,
      next: [`git -C ${top} status`],
    });
  };
  const list = (bytes: Buffer) =>
    bytes
      .toString('utf8')
      .split('\0')
      .filter((path) => path !== '');
  return {
    top,
    hooks: async () =>
      (await run(['rev-parse', '--path-format=absolute', '--git-path', 'hooks']))
        .toString('utf8')
        .replace(/\n$/, ''),
    async setting(key) {
      const result = await host.run(['git', '-C', top, 'config', '--get', key], {
        timeoutSeconds: lookSeconds,
      });
      return result.exitCode === 0 ? result.stdout.toString('utf8').replace(/\n$/, '') : undefined;
    },
    staged: async () =>
      list(await run(['diff', '--cached', '--name-only', '-z', '--no-renames', '--diff-filter=d'])),
    unstaged: async (paths) =>
      paths.length === 0
        ? []
        : list(await run(['diff', '--name-only', '-z', '--no-renames', '--', ...paths.map(literally)])),
    async contents(paths) {
      if (paths.length === 0) return [];
      const indexed = await run(['ls-files', '--stage', '-z', '--', ...paths.map(literally)]);
      const objects = new Map(
        list(indexed).flatMap((entry) => {
          const [, mode, object, , path] = /^(\d+) ([0-9a-f]+) (\d)\t(.*)$/s.exec(entry) ?? [];
          // 160000: a submodule, which has no text.
          return path === undefined || object === undefined || mode === '160000'
            ? []
            : [[path, object] as const];
        }),
      );
      const wanted = paths.map((path) => objects.get(path));
      const ask = (check: string, some: readonly string[]) =>
        run(['cat-file', check], { stdin: some.map((object) => `${object}\n`).join('') });
      const all = [...new Set(wanted.filter((object) => object !== undefined))];
      const sizes = (await ask('--batch-check', all)).toString('latin1').trimEnd().split('\n');
      const small = all.filter((_, index) => Number(sizes[index]?.split(' ')[2]) <= largest);
      const answers = blobs(await ask('--batch', small));
      const texts = new Map(small.map((object, index) => [object, answers[index] as Buffer]));
      return wanted.map((object) => texts.get(object ?? '') ?? Buffer.alloc(0));
    },
  };
}

/** A path, not a pattern (gitglossary, "pathspec"). */
const literally = (path: string) => `:(top,literal)${path}`;

/** `<object> <type> <size>`, the bytes, a line feed; for each object (git-cat-file, "BATCH OUTPUT"). */
function blobs(output: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf('\n', at);
    const size = Number(output.toString('latin1', at, end).split(' ')[2]);
    found.push(output.subarray(end + 1, end + 1 + size));
    at = end + 1 + size + 1;
  }
  return found;
}
