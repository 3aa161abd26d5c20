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
  /** `what` as a message says it: `a function`, `an operation (//)`. `inside`: the expressions that it is made of. */
  | (Span & { readonly kind: 'computed'; readonly what: string; readonly inside: readonly Expression[] });

/** The expression without parentheses around it. */
export function bare(expression: Expression): Exclude<Expression, { kind: 'parentheses' }> {
  return expression.kind === 'parentheses' ? bare(expression.inner) : expression;
}

/** Every expression of a tree, itself first. */
export function* expressionsOf(tree: Expression): Generator<Expression> {
  yield tree;
  switch (tree.kind) {
    case 'parentheses':
      yield* expressionsOf(tree.inner);
      break;
    case 'list':
      for (const item of tree.items) yield* expressionsOf(item);
      break;
    case 'computed':
      for (const part of tree.inside) yield* expressionsOf(part);
      break;
    case 'set':
    case 'let':
      for (const member of tree.members) if (member.kind === 'binding') yield* expressionsOf(member.value);
      if (tree.kind === 'let') yield* expressionsOf(tree.body);
      break;
    default:
  }
}
