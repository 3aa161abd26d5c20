/** One thing that is wrong in a configuration file. Holds no value of a secret. */
export interface ConfigProblem {
  /** The file as the user named it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units, as editors count. */
  readonly column: number;
  /** What is wrong: `shares.containers.owner is missing`. */
  readonly what: string;
  /** What to write instead. */
  readonly write: string;
}

/** A key or list index inside the file: `['shares', 'containers', 'owner']`. */
export type ConfigPath = readonly (string | number)[];

/** Offset of a character of the text, and how to say it: turned into line and column at the end. */
export interface RawProblem {
  readonly offset: number;
  readonly what: string;
  readonly write: string;
}

const longest = 80;

/** A value of the file as it may stand in a message: quoted, cut, and without bytes that steer a terminal. */
export function quoted(value: string): string {
  // Secrets are taken out first: half of one is still a secret.
  const safe = printable(value);
  return `"${safe.length > longest ? `${safe.slice(0, longest)}...` : safe}"`;
}

/** Control and direction characters as `\u001b`; the secret of an API token and user, password and query of an address left out. */
export function printable(text: string): string {
  return text
    .replace(/(![\w.-]+=)[^\s"']+/g, '$1...')
    .replace(/(\/\/[^/\s:@]*:)[^@\s]*@/g, '$1...@')
    .replace(/(https?:\/\/)[^/\s:@]+@/g, '$1...@')
    .replace(/(https?:\/\/[^\s?"']*\?)[^\s"']+/g, '$1...')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) =>
      Array.from({ length: character.length }, (_, i) => escaped(character.charCodeAt(i))).join(''),
    );
}

const escaped = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`;

/** `shares.containers.owner`, `phases[0].moves[1]`. */
export function pathText(path: ConfigPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else {
      const key = /^[\w.-]{1,80}$/.test(part) ? part : quoted(part);
      text += text === '' ? key : `.${key}`;
    }
  }
  return text === '' ? 'the file' : text;
}
