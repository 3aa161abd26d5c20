import { commandGroups } from './groups.ts';
import type { CommandSpec } from './program.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

const globals = ['--file', '--json', '--no-color', '--help', '--version'];

/** A completion script for a shell, made from the table of commands. */
export function completionScript(shell: Shell, specs: readonly CommandSpec[]): string {
  const words: Word[] = specs.map((spec) => ({
    name: spec.name,
    summary: spec.summary,
    flags: (spec.options ?? []).map((option) => ({
      flag: option.long ?? option.short ?? '',
      what: option.description,
    })),
  }));
  const firsts = new Map(words.map((word) => [first(word), word]));
  const tops = [...firsts].map(([name, word]) => (word.name === name ? word : groupOf(name, words)));
  switch (shell) {
    case 'bash':
      return bash(tops, words);
    case 'zsh':
      return zsh(tops, words);
    case 'fish':
      return fish(tops, words);
  }
}

interface Word {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly { readonly flag: string; readonly what: string }[];
}

const first = (word: Word) => word.name.split(' ')[0] ?? '';
const second = (word: Word) => word.name.split(' ')[1];

/** A group is offered by its first word; what it is for stands in groups.ts. */
function groupOf(name: string, words: readonly Word[]): Word {
  const members = words.filter((word) => first(word) === name);
  return { name, summary: commandGroups[name] ?? '', flags: members.flatMap(({ flags }) => flags) };
}

/** The words that may follow the first word of a command. */
function offersOf(top: Word, words: readonly Word[]): string[] {
  const members = words.flatMap((word) => (first(word) === top.name ? (second(word) ?? []) : []));
  const flags = [...new Set(top.flags.map(({ flag }) => flag))];
  return [...members, ...flags, ...globals];
}

function bash(tops: readonly Word[], words: readonly Word[]): string {
  const cases = tops.map((top) => `    ${top.name}) words="${offersOf(top, words).join(' ')}" ;;`);
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
    `    *) words="${[...tops.map((top) => top.name), ...globals].join(' ')}" ;;`,
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

function zsh(tops: readonly Word[], words: readonly Word[]): string {
  const commands = tops.map((top) => `    ${quoted(`${top.name}:${top.summary.replaceAll(':', '\\:')}`)}`);
  const cases = tops.map(
    (top) => `    ${top.name}) _values 'option' ${offersOf(top, words).map(quoted).join(' ')}; _files ;;`,
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

function fish(tops: readonly Word[], words: readonly Word[]): string {
  const seen = (word: Word) =>
    word.name
      .split(' ')
      .map((part) => `__fish_seen_subcommand_from ${part}`)
      .join('; and ');
  const lines = [
    ...tops.map(
      (top) => `complete -c drayage -n __fish_use_subcommand -a ${top.name} -d ${quoted(top.summary)}`,
    ),
    ...words.flatMap((word) => [
      ...(second(word) === undefined
        ? []
        : [
            `complete -c drayage -n '__fish_seen_subcommand_from ${first(word)}' -a ${second(word)} -d ${quoted(word.summary)}`,
          ]),
      ...word.flags.map(
        ({ flag, what }) =>
          `complete -c drayage -n '${seen(word)}' -l ${flag.replace(/^--/, '')} -d ${quoted(what)}`,
      ),
    ]),
  ];
  return [
    '# fish completion for drayage: put it into ~/.config/fish/completions/drayage.fish',
    ...lines,
    '',
  ].join('\n');
}
