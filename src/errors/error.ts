import type { ExitCode } from './exit-code.ts';

/** One entry of the error index: what the code means, in the documented words of the tool concerned. */
export interface ErrorKind {
  /** One sentence: what this state means. Never a guess at its cause. */
  readonly meaning: string;
  /** Exit code of the process when this error ends it. */
  readonly exit: ExitCode;
}

/** What a thrown error adds to its kind. */
export interface ErrorFacts {
  /** What was seen: names, values, the tool's own output. */
  readonly seen: string;
  /** The next commands or edits, ready to type; the first one is the usual way out. */
  readonly next: readonly string[];
  /** Overrides the kind's meaning where one code covers several documented texts (a tool's exit codes). */
  readonly meaning?: string;
  /** Where in a file: `file:line:column`. */
  readonly where?: string;
  readonly cause?: unknown;
}

/** Every error that drayage shows. `code` is stable and listed in docs/errors.md. */
export class DrayageError extends Error {
  readonly code: string;
  readonly seen: string;
  readonly meaning: string;
  readonly next: readonly string[];
  readonly where: string | undefined;
  readonly exit: ExitCode;

  constructor(code: string, kind: ErrorKind, facts: ErrorFacts) {
    super(facts.seen, { cause: facts.cause });
    this.name = 'DrayageError';
    this.code = code;
    this.seen = facts.seen;
    this.meaning = facts.meaning ?? kind.meaning;
    this.next = facts.next;
    this.where = facts.where;
    this.exit = kind.exit;
  }
}

/** A catalogue of one area: `code -> kind`. Each area has one, in its own `errors.ts`; docs/errors.md is made from them. */
export type ErrorCatalogue = Readonly<Record<`${string}/${string}`, ErrorKind>>;

/**
 * Makes the function that throws the errors of a catalogue.
 * @example const sshError = errorsOf(sshErrors); throw sshError('ssh/unreachable', { seen, next });
 */
export function errorsOf<C extends ErrorCatalogue>(catalogue: C) {
  return (code: keyof C & string, facts: ErrorFacts): DrayageError =>
    new DrayageError(code, catalogue[code] as ErrorKind, facts);
}
