/** What is not written as a plain literal: the name of a variable, a path, or a text of several lines. */
export class NixCode {
  readonly text: string;
  readonly lines: readonly string[] | undefined;
  private constructor(text: string, lines?: readonly string[]) {
    this.text = text;
    this.lines = lines;
  }

  /** A text of whole lines, none of which begins with white space: an indented string. */
  static lines(lines: readonly string[]): NixCode {
    if (lines.some((line) => /^\s|[\r\n]/.test(line))) throw new RangeError('not lines without indentation');
    return new NixCode(nixString(`${lines.join('\n')}\n`), lines);
  }

  /** @throws RangeError for what is not a name */
  static variable(name: string): NixCode {
    if (!isPlainName(name)) throw new RangeError(`not the name of a variable: ${name}`);
    return new NixCode(name);
  }

  /** Relative to the file: `./hosts/doc2/home.nix`. @throws RangeError for what would not be one path */
  static path(path: string): NixCode {
    if (!/^\.{1,2}(\/[a-zA-Z0-9._+-]+)+$/.test(path)) throw new RangeError(`not a path: ${path}`);
    return new NixCode(path);
  }
}

export type NixValue =
  | string
  | number
  | boolean
  | NixCode
  | readonly NixValue[]
  | { readonly [name: string]: NixValue };

/** How a value is laid out: on one line, or a member a line, deeper by `unit` than `indent`. */
export type Layout = 'line' | { readonly indent: string; readonly unit: string; readonly eol: string };

/** A Nix string literal. `${` and quotes are data (Nix manual, "String literals"). */
export function nixString(text: string): string {
  const escaped = text
    .replace(/[\\"]/g, '\\$&')
    .replace(/\$(?=[{$])/g, '\\$')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t');
  return `"${escaped}"`;
}

/** The name of an attribute as it is written: in quotes where it must be. */
export function attributeName(name: string): string {
  return isPlainName(name) ? name : nixString(name);
}

const keywords = ['if', 'then', 'else', 'assert', 'with', 'let', 'in', 'rec', 'inherit', 'or'];

function isPlainName(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_'-]*$/.test(name) && !keywords.includes(name);
}

/** A value as Nix text. Lists and sets inside a list stand on one line. */
export function writeValue(value: NixValue, layout: Layout): string {
  if (value instanceof NixCode) return writeCode(value, layout);
  if (typeof value === 'string') return nixString(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value))
    return value.length === 0 ? '[ ]' : `[ ${value.map((item) => writeValue(item, 'line')).join(' ')} ]`;
  const members = Object.entries(value as { readonly [name: string]: NixValue });
  if (members.length === 0) return '{ }';
  if (layout === 'line')
    return `{ ${members.map(([name, inner]) => writeMember(name, inner, 'line')).join(' ')} }`;
  const { indent, unit, eol } = layout;
  const deeper = { indent: indent + unit, unit, eol };
  const lines = members.map(([name, inner]) => `${deeper.indent}${writeMember(name, inner, deeper)}`);
  return ['{', ...lines, `${indent}}`].join(eol);
}

function writeCode({ text, lines }: NixCode, layout: Layout): string {
  if (lines === undefined || layout === 'line') return text;
  const { indent, unit, eol } = layout;
  const escaped = lines.map((line) => line.replaceAll("''", "'''").replace(/\$(?=[{$])/g, "''$"));
  return ["''", ...escaped.map((line) => `${indent}${unit}${line}`), `${indent}''`].join(eol);
}

/** `name = value;` */
export function writeMember(name: string, value: NixValue, layout: Layout): string {
  return `${attributeName(name)} = ${writeValue(value, layout)};`;
}
