import type { CommandSpec } from './program.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

const globals = ['--file', '--json', '--no-color', '--help', '--version'];

/** A completion script for a shell, made from the table of commands. */
export function completionScript(shell: Shell, specs: readonly CommandSpec[]): string {
  const words = specs.map((spec) => ({
    name: spec.name,
    summary: spec.summary,
    flags: (spec.options ?? []).map((option) => ({
      flag: option.long ?? option.short ?? '',
      what: option.description,
    })),
  }));
  switch (shell) {
    case 'bash':
      return bash(words);
    case 'zsh':
      return zsh(words);
    case 'fish':
      return fish(words);
  }
}

interface Word {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly { readonly flag: string; readonly what: string }[];
}

function bash(words: readonly Word[]): string {
  const cases = words.map(
    (word) => `    ${word.name}) words="${[...word.flags.map(({ flag }) => flag), ...globals].join(' ')}" ;;`,
  );
  return [
    '# bash completion for drayage: source this file, or put it into /etc/bash_completion.d/',
    '_drayage() {',
    '  local current command word words',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of the shell
    '  current="${COMP_WORDS[COMP_CWORD]}"',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of the shell
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do case $word in -*) ;; *) command=$word; break ;; esac; done',
    '  case $command in',
    ...cases,
    `    *) words="${[...words.map((word) => word.name), ...globals].join(' ')}" ;;`,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of the shell
    '  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))',
    '}',
    'complete -F _drayage drayage',
    '',
  ].join('\n');
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

function zsh(words: readonly Word[]): string {
  const commands = words.map(
    (word) => `    ${quoted(`${word.name}:${word.summary.replaceAll(':', '\\:')}`)}`,
  );
  const cases = words.map(
    (word) =>
      `    ${word.name}) _values 'option' ${[...word.flags.map(({ flag }) => flag), ...globals].map(quoted).join(' ')}; _files ;;`,
  );
  return [
    '#compdef drayage',
    '_drayage() {',
    '  local -a commands',
    '  commands=(',
    ...commands,
    '  )',
    '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
    '  case $words[2] in',
    ...cases,
    '  esac',
    '}',
    'compdef _drayage drayage',
    '',
  ].join('\n');
}

function fish(words: readonly Word[]): string {
  const lines = words.flatMap((word) => [
    `complete -c drayage -n __fish_use_subcommand -a ${word.name} -d ${quoted(word.summary)}`,
    ...word.flags.map(
      ({ flag, what }) =>
        `complete -c drayage -n '__fish_seen_subcommand_from ${word.name}' -l ${flag.replace(/^--/, '')} -d ${quoted(what)}`,
    ),
  ]);
  return [
    '# fish completion for drayage: put it into ~/.config/fish/completions/drayage.fish',
    ...lines,
    '',
  ].join('\n');
}
