import { quoteArgv } from '../ssh/quote.ts';
import type { Operation } from './operation.ts';

const controller = 'controller';

/** How a hook of drayage is known. */
export const hookMark = '# drayage check: this hook is made by `drayage check --install`.';
/** The hook that was there before lies beside it under this name, and is called first. */
export const chainedName = 'pre-commit.before-drayage';

/** @param command how drayage is called, `check --offline` included; git runs it at the top of the repository */
export function hookText(command: readonly string[]): string {
  return [
    '#!/bin/sh',
    hookMark,
    '# drayage check --uninstall takes it away again.',
    `before=$(dirname "$0")/${chainedName}`,
    'if [ -x "$before" ]; then "$before" "$@" || exit $?; fi',
    `exec ${quoteArgv(command)}`,
    '',
  ].join('\n');
}

/** What lies in the folder of hooks. */
export interface HookFolder {
  /** Absolute. */
  readonly path: string;
  readonly exists: boolean;
  /** Text of `pre-commit`. */
  readonly current?: string;
  readonly chained: boolean;
}

/** The operations that put the hook there; none when it is there already. */
export function installHook(folder: HookFolder, command: readonly string[]): Operation[] {
  const text = hookText(command);
  const hook = `${folder.path}/pre-commit`;
  if (folder.current === text) return [];
  const foreign = folder.current !== undefined && !folder.current.includes(hookMark);
  return [
    ...(folder.exists ? [] : [run(['mkdir', '-p', '--', folder.path], `make ${folder.path}`)]),
    ...(foreign
      ? // -n: never over an earlier one.
        [
          run(
            ['mv', '-nT', '--', hook, `${folder.path}/${chainedName}`],
            `keep the hook that is there as ${chainedName}`,
          ),
        ]
      : []),
    {
      kind: 'write',
      host: controller,
      path: hook,
      content: text,
      mode: '0755',
      guards: foreign ? [absent(hook)] : [],
      what: `write ${hook}`,
    },
  ];
}

/** The operations that take it away, and put back what was there before. */
export function uninstallHook(folder: HookFolder): Operation[] {
  const hook = `${folder.path}/pre-commit`;
  if (folder.current === undefined || !folder.current.includes(hookMark)) return [];
  const chained = `${folder.path}/${chainedName}`;
  return [
    folder.chained
      ? run(['mv', '-fT', '--', chained, hook], `put back ${hook}`)
      : run(['rm', '--', hook], `remove ${hook}`),
  ];
}

function run(argv: readonly string[], what: string): Operation {
  return { kind: 'run', host: controller, argv: [...argv], what };
}

function absent(path: string) {
  return {
    kind: 'run' as const,
    host: controller,
    argv: ['test', '!', '-e', path],
    expect: { exitCode: 0 },
    what: `${path} is not there`,
  };
}
