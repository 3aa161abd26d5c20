import type { Span } from './scan.ts';

/** One name of an attribute path. Without `name` it is computed (`${x}`). */
export interface AttributeName extends Span {
  readonly name?: string;
}

/** `a.b = value;`, its semicolon included. */
export interface Binding extends Span {
  readonly kind: 'binding';
  readonly path: readonly AttributeName[];
  readonly value: Expression;
}

/** `inherit a b;`, `inherit (x) a b;` */
export interface Inherit extends Span {
  readonly kind: 'inherit';
  readonly names: readonly AttributeName[];
}

export interface AttributeSet extends Span {
  readonly kind: 'set';
  readonly recursive: boolean;
  readonly members: readonly (Binding | Inherit)[];
  /** Place of the opening brace: `rec` stands before it. */
  readonly open: number;
}

/** What a file says, as far as drayage has to tell it apart; all that computes something is `computed`. */
export type Expression =
  | AttributeSet
  | (Span & {
      readonly kind: 'let';
      readonly members: readonly (Binding | Inherit)[];
      readonly body: Expression;
    })
  | (Span & { readonly kind: 'list'; readonly items: readonly Expression[] })
  | (Span & { readonly kind: 'string'; readonly value: string })
  | (Span & { readonly kind: 'number'; readonly value: number })
  | (Span & { readonly kind: 'path'; readonly text: string })
  | (Span & { readonly kind: 'identifier'; readonly name: string })
  | (Span & { readonly kind: 'parentheses'; readonly inner: Expression })
  /** `what` as a message says it: `a function`, `an operation (//)`. */
  | (Span & { readonly kind: 'computed'; readonly what: string });

/** The expression without parentheses around it. */
export function bare(expression: Expression): Exclude<Expression, { kind: 'parentheses' }> {
  return expression.kind === 'parentheses' ? bare(expression.inner) : expression;
}
