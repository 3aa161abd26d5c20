import { NixSyntaxError, scan, type Token } from './scan.ts';
import type { AttributeName, AttributeSet, Binding, Expression, Inherit } from './syntax.ts';

const keywords = new Set(['if', 'then', 'else', 'assert', 'with', 'let', 'in', 'rec', 'inherit', 'or']);
const operators = new Set([
  ...['==', '!=', '<=', '>=', '<', '>', '&&', '||', '->', '//', '++', '+', '-', '*', '/', '?', '|>', '<|'],
]);

/**
 * The syntax tree of a Nix expression, every part with its place in the text. The whole language is read, so that a file
 * is never taken for something that it is not; precedence of operators and scopes of names are not judged.
 * @throws NixSyntaxError
 */
export function parse(text: string): Expression {
  return parseTokens(scan(text));
}

function parseTokens(tokens: readonly Token[]): Expression {
  const parser = new Parser(tokens);
  const expression = parser.expression();
  parser.end();
  return expression;
}

class Parser {
  private at = 0;
  private readonly tokens: readonly Token[];

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  end(): void {
    if (this.token.kind !== 'end') this.fail('the end of the expression');
  }

  expression(): Expression {
    const { start } = this.token;
    if (this.isWord('let')) return this.letIn();
    if (this.isWord('if')) {
      this.word('if');
      const condition = this.expression();
      this.word('then');
      const yes = this.expression();
      this.word('else');
      return this.computed(start, 'an `if`', [condition, yes, this.expression()]);
    }
    for (const keyword of ['with', 'assert']) {
      if (!this.isWord(keyword)) continue;
      this.word(keyword);
      const subject = this.expression();
      this.symbol(';');
      return this.computed(start, `a \`${keyword}\``, [subject, this.expression()]);
    }
    if (this.startsFunction()) return this.functionBody(start);
    return this.operation();
  }

  private letIn(): Expression {
    const { start } = this.word('let');
    if (this.isSymbol('{')) return this.computed(start, 'a `let` with a body attribute', [this.set()]);
    const members = this.members(() => this.isWord('in'));
    this.word('in');
    const body = this.expression();
    return { kind: 'let', members, body, start, end: body.end };
  }

  /** `x: ...`, `{ a, b ? 1, ... }@x: ...` */
  private startsFunction(): boolean {
    const [first, second, third] = this.tokens.slice(this.at, this.at + 3);
    if (this.isName(first) && (second?.text === ':' || second?.text === '@') && second.kind === 'symbol')
      return true;
    if (first?.kind !== 'symbol' || first.text !== '{') return false;
    if (second?.kind === 'symbol' && second.text === '...') return true;
    if (second?.kind === 'symbol' && second.text === '}')
      return third?.kind === 'symbol' && (third.text === ':' || third.text === '@');
    return this.isName(second) && third?.kind === 'symbol' && [',', '?', '}'].includes(third.text);
  }

  private functionBody(start: number): Expression {
    if (this.isName(this.token)) {
      this.take();
      if (this.isSymbol('@')) {
        this.symbol('@');
        this.formals();
      }
    } else {
      this.formals();
      if (this.isSymbol('@')) {
        this.symbol('@');
        this.name();
      }
    }
    this.symbol(':');
    return this.computed(start, 'a function', [this.expression()]);
  }

  private formals(): void {
    this.symbol('{');
    while (!this.isSymbol('}')) {
      if (this.isSymbol('...')) {
        this.take();
        break;
      }
      this.name();
      if (this.isSymbol('?')) {
        this.take();
        this.expression();
      }
      if (!this.isSymbol(',')) break;
      this.take();
    }
    this.symbol('}');
  }

  /** Operands with operators between them; only an operand that stands alone keeps its own kind. */
  private operation(): Expression {
    const { start } = this.token;
    const operands: Expression[] = [];
    let operator: string | undefined;
    for (;;) {
      while (this.isSymbol('!') || this.isSymbol('-')) {
        const { text } = this.take();
        operator ??= text;
      }
      operands.push(this.application());
      let end = operands.at(-1)?.end ?? start;
      while (this.isSymbol('?')) {
        const { text } = this.take();
        operator ??= text;
        end = this.attributePath().at(-1)?.end ?? end;
      }
      if (this.token.kind !== 'symbol' || !operators.has(this.token.text)) {
        if (operator === undefined) return operands[0] as Expression;
        return { kind: 'computed', what: `an operation (${operator})`, inside: operands, start, end };
      }
      operator ??= this.token.text;
      this.take();
    }
  }

  private application(): Expression {
    const parts = [this.selection()];
    while (this.startsOperand()) parts.push(this.selection());
    const [called] = parts as [Expression];
    return parts.length > 1 ? this.computed(called.start, 'a function call', parts) : called;
  }

  /** `x.a.b or default` */
  private selection(): Expression {
    const operand = this.operand();
    if (this.isSymbol('.')) {
      this.take();
      const end = this.attributePath().at(-1)?.end ?? operand.end;
      if (!this.isWord('or'))
        return {
          kind: 'computed',
          what: 'a selected attribute',
          inside: [operand],
          start: operand.start,
          end,
        };
      this.take();
      return this.computed(operand.start, 'a selected attribute', [operand, this.selection()]);
    }
    if (!this.isWord('or')) return operand;
    // `f or`: a call with a variable named `or`, which old files have.
    const { end } = this.take();
    return { kind: 'computed', what: 'a function call', inside: [operand], start: operand.start, end };
  }

  private startsOperand(): boolean {
    const { kind, text } = this.token;
    if (kind === 'end') return false;
    if (kind === 'identifier') return !keywords.has(text) || text === 'rec' || this.startsOldLet();
    return kind !== 'symbol' || text === '{' || text === '[' || text === '(';
  }

  private startsOldLet(): boolean {
    const following = this.tokens[this.at + 1];
    return this.isWord('let') && following?.kind === 'symbol' && following.text === '{';
  }

  private operand(): Expression {
    const { token } = this;
    const { start, end } = token;
    switch (token.kind) {
      case 'number':
        this.take();
        return { kind: 'number', value: Number(token.text), start, end };
      case 'string':
      case 'indented string':
        this.take();
        return this.text(token, token.kind === 'string' ? 'a string with `${`' : 'an indented string');
      case 'path':
        this.take();
        return this.text(token, 'a path with `${`');
      case 'search path':
        this.take();
        return { kind: 'computed', what: 'a path from NIX_PATH', inside: [], start, end };
      case 'uri':
        this.take();
        return { kind: 'string', value: token.text, start, end };
      default:
    }
    if (this.isWord('rec')) {
      this.take();
      return { ...this.set(), recursive: true, start };
    }
    if (this.startsOldLet()) return this.letIn();
    if (this.isName(token)) {
      this.take();
      return { kind: 'identifier', name: token.text, start, end };
    }
    if (this.isSymbol('{')) return this.set();
    if (this.isSymbol('[')) {
      this.take();
      const items: Expression[] = [];
      while (!this.isSymbol(']')) items.push(this.selection());
      return { kind: 'list', items, start, end: this.symbol(']').end };
    }
    if (this.isSymbol('(')) {
      this.take();
      const inner = this.expression();
      return { kind: 'parentheses', inner, start, end: this.symbol(')').end };
    }
    return this.fail('a value');
  }

  private text(token: Token, what: string): Expression {
    const { start, end } = token;
    if (token.value !== undefined) return { kind: 'string', value: token.value, start, end };
    if (token.kind === 'path' && token.interpolations === undefined)
      return { kind: 'path', text: token.text, start, end };
    return { kind: 'computed', what, inside: (token.interpolations ?? []).map(parseTokens), start, end };
  }

  private set(): AttributeSet {
    const { start } = this.symbol('{');
    const members = this.members(() => this.isSymbol('}'));
    return { kind: 'set', recursive: false, members, open: start, start, end: this.symbol('}').end };
  }

  private members(atEnd: () => boolean): (Binding | Inherit)[] {
    const members: (Binding | Inherit)[] = [];
    while (!atEnd()) {
      const { start } = this.token;
      if (this.isWord('inherit')) {
        this.take();
        if (this.isSymbol('(')) this.operand();
        const names: AttributeName[] = [];
        while (!this.isSymbol(';')) names.push(this.attributeName());
        members.push({ kind: 'inherit', names, start, end: this.symbol(';').end });
        continue;
      }
      const path = this.attributePath();
      this.symbol('=');
      const value = this.expression();
      members.push({ kind: 'binding', path, value, start, end: this.symbol(';').end });
    }
    return members;
  }

  private attributePath(): AttributeName[] {
    const path = [this.attributeName()];
    while (this.isSymbol('.')) {
      this.take();
      path.push(this.attributeName());
    }
    return path;
  }

  private attributeName(): AttributeName {
    const { kind, start, end, text, value, interpolations } = this.token;
    if (kind === 'string') {
      this.take();
      for (const tokens of interpolations ?? []) parseTokens(tokens);
      return { start, end, ...(value !== undefined && { name: value }) };
    }
    if (this.isSymbol('${')) {
      this.take();
      this.expression();
      return { start, end: this.symbol('}').end };
    }
    if (kind !== 'identifier' || (keywords.has(text) && text !== 'or'))
      return this.fail('the name of an attribute');
    this.take();
    return { name: text, start, end };
  }

  private computed(start: number, what: string, inside: readonly Expression[]): Expression {
    return { kind: 'computed', what, inside, start, end: inside.at(-1)?.end ?? start };
  }

  private get token(): Token {
    return this.tokens[Math.min(this.at, this.tokens.length - 1)] as Token;
  }

  private take(): Token {
    const { token } = this;
    this.at += 1;
    return token;
  }

  private name(): void {
    if (!this.isName(this.token)) this.fail('a name');
    this.take();
  }

  private isName(token: Token | undefined): boolean {
    return token?.kind === 'identifier' && !keywords.has(token.text);
  }

  private isWord(word: string): boolean {
    return this.token.kind === 'identifier' && this.token.text === word;
  }

  private isSymbol(symbol: string): boolean {
    return this.token.kind === 'symbol' && this.token.text === symbol;
  }

  private word(word: string): Token {
    return this.isWord(word) ? this.take() : this.fail(`"${word}"`);
  }

  private symbol(symbol: string): Token {
    return this.isSymbol(symbol) ? this.take() : this.fail(`"${symbol}"`);
  }

  private fail(expected: string): never {
    const { kind, text, start } = this.token;
    const seen = kind === 'end' ? 'the end' : `"${text.length > 40 ? `${text.slice(0, 40)}...` : text}"`;
    throw new NixSyntaxError(start, `${seen} where ${expected} was expected`);
  }
}
