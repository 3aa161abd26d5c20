/** Where something stands in a text, in UTF-16 units: `start` is its first, `end` the one after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type TokenKind =
  | 'identifier'
  | 'number'
  | 'string'
  | 'indented string'
  | 'path'
  | 'search path'
  | 'uri'
  | 'symbol'
  | 'end';

export interface Token extends Span {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  /** Of a string without interpolation: what it says. */
  readonly value?: string;
  /** Tokens of each `${...}` in it, without the braces. */
  readonly interpolations?: readonly (readonly Token[])[];
}

/** The place at which a text stops being Nix. */
export class NixSyntaxError extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

const blank = /(?:[ \t\r\n]+|#[^\r\n]*|\/\*[\s\S]*?\*\/)*/y;
const identifier = /[a-zA-Z_][a-zA-Z0-9_'-]*/y;
const number = /(?:(?:[1-9][0-9]*\.[0-9]*|0?\.[0-9]+)(?:[Ee][+-]?[0-9]+)?|[0-9]+)/y;
const path = /(?:~|[a-zA-Z0-9._+-]*)(?:\/[a-zA-Z0-9._+-]+)+\/?/y;
/** The first part of a path that goes on with `${`. */
const pathStart = /(?:~|[a-zA-Z0-9._+-]*)\/[a-zA-Z0-9._+/-]*(?=\$\{)/y;
const pathRest = /[a-zA-Z0-9._+/-]+/y;
const searchPath = /<[a-zA-Z0-9._+-]+(?:\/[a-zA-Z0-9._+-]+)*>/y;
const uri = /[a-zA-Z][a-zA-Z0-9+.-]*:[a-zA-Z0-9%/?:@&=+$,_.!~*'-]+/y;
const symbol = /\.\.\.|==|!=|<=|>=|&&|\|\||->|\/\/|\+\+|\|>|<\||\$\{|[{}[\]()=;:,.@?!<>+\-*/]/y;

/**
 * Splits a text into the tokens of the Nix language (lexer.l of Nix: the longest match wins). Comments and white space
 * are left out: an edit goes by the places of tokens, and what lies between stays as it is.
 * @throws NixSyntaxError
 */
export function scan(text: string): Token[] {
  const tokens: Token[] = [];
  const end = scanUntil(text, 0, undefined, tokens);
  tokens.push({ kind: 'end', text: '', start: end, end });
  return tokens;
}

/** Scans up to the end of the text or, inside `${`, up to the brace that closes it. Returns the place after it. */
function scanUntil(text: string, from: number, close: '}' | undefined, into: Token[]): number {
  let at = from;
  let depth = 0;
  for (;;) {
    at = at + matched(blank, text, at).length;
    if (at >= text.length) {
      if (close !== undefined) throw new NixSyntaxError(from - 2, 'a "${" that is not closed');
      return at;
    }
    const token = next(text, at);
    if (token.kind === 'symbol') {
      if (token.text === '{' || token.text === '${') depth += 1;
      if (token.text === '}') {
        if (depth === 0 && close !== undefined) return token.end;
        depth -= 1;
      }
    }
    into.push(token);
    at = token.end;
  }
}

function next(text: string, at: number): Token {
  if (text[at] === '"') return scanString(text, at);
  if (text.startsWith("''", at)) return scanIndented(text, at);
  if (text.startsWith('/*', at)) throw new NixSyntaxError(at, 'a comment that is not closed');
  const startOfPath = matched(pathStart, text, at);
  const candidates: readonly (readonly [TokenKind, string])[] = [
    ['path', matched(path, text, at)],
    ['search path', matched(searchPath, text, at)],
    ['uri', matched(uri, text, at)],
    ['number', matched(number, text, at)],
    ['identifier', matched(identifier, text, at)],
    ['symbol', matched(symbol, text, at)],
  ];
  const [kind, longest] = candidates.reduce((best, each) => (each[1].length > best[1].length ? each : best));
  if (startOfPath.length >= Math.max(longest.length, 1)) return scanPath(text, at, at + startOfPath.length);
  if (kind === 'path' && text.startsWith('${', at + longest.length))
    return scanPath(text, at, at + longest.length);
  if (longest === '') {
    const seen = String.fromCodePoint(text.codePointAt(at) as number);
    throw new NixSyntaxError(
      at,
      seen === '\ufeff'
        ? 'a byte-order mark, which Nix does not read'
        : `the character ${JSON.stringify(seen)}`,
    );
  }
  return { kind, text: longest, start: at, end: at + longest.length };
}

function scanPath(text: string, start: number, from: number): Token {
  const interpolations: Token[][] = [];
  let at = from;
  while (text.startsWith('${', at)) {
    at = interpolation(text, at, interpolations);
    at += matched(pathRest, text, at).length;
  }
  return { kind: 'path', text: text.slice(start, at), start, end: at, interpolations };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function scanString(text: string, start: number): Token {
  const interpolations: Token[][] = [];
  let value = '';
  let at = start + 1;
  for (;;) {
    const character = text[at];
    if (character === undefined) throw new NixSyntaxError(start, 'a string that is not closed');
    if (character === '"') break;
    if (character === '\\') {
      const escaped = text[at + 1] ?? '';
      value += escapes[escaped] ?? escaped;
      at += 2;
    } else if (text.startsWith('${', at)) {
      at = interpolation(text, at, interpolations);
    } else if (text.startsWith('$$', at)) {
      value += '$$';
      at += 2;
    } else {
      value += character;
      at += 1;
    }
  }
  return {
    kind: 'string',
    text: text.slice(start, at + 1),
    start,
    end: at + 1,
    interpolations,
    // A carriage return in a string is read as a newline.
    ...(interpolations.length === 0 && { value: value.replace(/\r\n?/g, '\n') }),
  };
}

function scanIndented(text: string, start: number): Token {
  const interpolations: Token[][] = [];
  let at = start + 2;
  for (;;) {
    if (at >= text.length) throw new NixSyntaxError(start, 'an indented string that is not closed');
    if (text.startsWith("''\\", at)) at += 4;
    else if (text.startsWith("''$", at) || text.startsWith("'''", at)) at += 3;
    else if (text.startsWith("''", at)) break;
    else if (text.startsWith('${', at)) at = interpolation(text, at, interpolations);
    else if (text.startsWith('$$', at)) at += 2;
    else at += 1;
  }
  return { kind: 'indented string', text: text.slice(start, at + 2), start, end: at + 2, interpolations };
}

function interpolation(text: string, at: number, into: Token[][]): number {
  const tokens: Token[] = [];
  const end = scanUntil(text, at + 2, '}', tokens);
  tokens.push({ kind: 'end', text: '', start: end - 1, end: end - 1 });
  into.push(tokens);
  return end;
}

function matched(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}
