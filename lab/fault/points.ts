import { isDeepStrictEqual } from 'node:util';
import { writeScript } from '../../src/apply/write.ts';
import type { Operation } from '../../src/plan/operation.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { remoteCommand } from '../../src/ssh/ssh.ts';

/**
 * When drayage is killed.
 * - `before`: the intent is on disk, nothing of the operation has left this machine.
 * - `during`: the command has begun on its host, or the API has the request (a task: it runs); it ends by itself,
 *   behind drayage's back. Of a copy also its ssh is killed: the connection is cut in the middle.
 * - `after`: the command, or the call, has been done as a whole; drayage never hears of it.
 */
export const moments = ['before', 'during', 'after'] as const;
export type Moment = (typeof moments)[number];

/** One operation of the plan, as the journal names it. */
export interface Point {
  readonly step: string;
  /** From 1, within its step. */
  readonly number: number;
  readonly operation: Operation;
}

/** `power-cycle doc1 #2`. */
export const nameOf = (point: Pick<Point, 'step' | 'number'>) => `${point.step} #${point.number}`;

/** Every operation of a plan, in the order in which they are performed. */
export function pointsOf(plan: Plan): Point[] {
  return plan.steps.flatMap(({ id, operations }) =>
    operations.map((operation, index) => ({ step: id, number: index + 1, operation })),
  );
}

/** An intent of the journal, as far as it is needed here. */
export interface Intent {
  readonly step: string;
  readonly undo: boolean;
  readonly operation: Operation;
}

/**
 * The operation at hand, from the last line of a journal: undefined when that is an outcome, or torn.
 * Names in it may change between runs (a digest), what it is for does not.
 */
export function intentOf(lastLine: string): Intent | undefined {
  if (!lastLine.startsWith('{"kind":"intent",')) return undefined;
  try {
    return JSON.parse(lastLine) as Intent;
  } catch {
    return undefined;
  }
}

/** The point that an intent is at; undefined: it is none of them. */
export function pointAt(intent: Intent, points: Iterable<Point>): Point | undefined {
  if (intent.undo) return undefined;
  const same = [...points].filter(
    ({ step, operation }) =>
      step === intent.step &&
      operation.kind === intent.operation.kind &&
      operation.what === intent.operation.what,
  );
  // Two folders in one step have the same words.
  return same.find(({ operation }) => isDeepStrictEqual(operation, intent.operation)) ?? same[0];
}

/** Is this command, as ssh is given it, the change itself, and not a look or a reading beside it? */
export function isDeed(command: string, operation: Operation): boolean {
  switch (operation.kind) {
    case 'run':
      return command === remoteCommand(operation.argv);
    case 'write':
      return command.startsWith(remoteCommand(['sh', '-c', writeScript, 'sh', operation.path]));
    case 'copy':
      return [operation.argv, operation.listArgv, operation.partArgv, operation.streamArgv]
        .filter((argv) => argv !== undefined)
        .some((argv) => command === remoteCommand(argv));
    case 'carry-back':
      return command === remoteCommand(operation.argv);
    case 'call':
    case 'clone':
      return false;
  }
}

/** The point of a name such as `seed doc1 #1` or `images doc1 #last`. */
export function pointNamed(name: string, points: readonly Point[]): Point {
  const [, step, number] = /^(.*) #(last|\d+)$/.exec(name) ?? [];
  const of = points.filter((point) => point.step === step);
  const found = number === 'last' ? of.at(-1) : of.find((point) => point.number === Number(number));
  if (found === undefined) throw new Error(`the plan has no operation ${name}`);
  return found;
}

/** What a call of the plan looks like to the API. */
export const requestOf = (operation: Extract<Operation, { kind: 'call' }>) => ({
  method: operation.method,
  path: operation.path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  isTask: operation.path.includes('/status/'),
});
