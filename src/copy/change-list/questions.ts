import { PassThrough } from 'node:stream';
import { nulRecords } from '../../verify/records.ts';
import { type Format, nothingThere, questionsCommand } from './commands.ts';
import {
  checkFind,
  type Kind,
  notUnderstood,
  parseKind,
  parseSeen,
  placeList,
  running,
  type Seen,
  type Side,
  unreadable,
} from './look.ts';

/** Who hears an answer. */
export interface Hearer {
  readonly take: (record: string) => void;
  /** Before it, records are not understood. */
  readonly ready?: Promise<void>;
  /** Waited for before more is read. */
  readonly drained?: () => Promise<void>;
}

/**
 * Questions of which only the kind is known yet: the command that answers them is there, connected. Each is asked once, in
 * their order.
 */
export interface Questions {
  /**
   * @param names what it is about; without any it is answered by nothing
   * @returns when it is answered: the dots after its last record. Whether all could be looked at, `settled` says.
   */
  ask(names: readonly string[], hearer: Hearer): Promise<number>;
  /** Its command has ended: nothing can be asked. */
  readonly over: boolean;
  /**
   * Of all that was answered: find could look at everything, or what it could not is ordinary. Where it met an error, no more
   * can be asked.
   * @throws copy/unreadable-directory, copy/unreadable-output, also what made an answer fail
   */
  settled(): Promise<void>;
  /** No more is asked. Never fails. */
  end(): Promise<void>;
}

interface Asked {
  readonly hearer: Hearer;
  readonly answered: (dots: number) => void;
}

/**
 * @param finds of commands.ts, the questions in their order
 * @param missing what is thrown where the side's path is no directory
 */
export function openQuestions(
  side: Side,
  finds: readonly string[],
  missing: (said: string) => Error = (said) => unreadable(side, nothingThere, [said]),
): Questions {
  const open: Asked[] = [];
  let doubtful = false;
  const parser = nulRecords((record) => {
    const [first] = open;
    if (first === undefined) throw notUnderstood(side, record);
    const end = /^(\.*)(!?)$/.exec(record);
    if (end === null) return first.hearer.take(record);
    open.shift();
    doubtful ||= end[2] !== '';
    first.answered((end[1] as string).length);
  });
  const push = async (chunk: Buffer) => {
    const hearer = open[0]?.hearer;
    await hearer?.ready;
    parser.push(chunk);
    await hearer?.drained?.();
  };
  const stdin = new PassThrough();
  let isOver = false;
  const over = side.host
    .run(questionsCommand(side.path, finds), { onStdout: push, stdin, ...running(side) })
    .finally(() => {
      isOver = true;
    })
    .then(async (result) => {
      await push(result.stdout);
      if (result.exitCode === nothingThere) throw missing(result.stderr.toString('utf8'));
      checkFind(side, result);
      if (parser.rest() !== '' || open.length > 0) throw notUnderstood(side, parser.rest());
    });
  over.catch(() => {});
  return {
    ask(names, hearer) {
      const answer = new Promise<number>((answered) => open.push({ hearer, answered }));
      const places = Buffer.concat([...placeList(names)]);
      stdin.write(`${places.length}\n`);
      stdin.write(places);
      const tooLate = () => {
        throw notUnderstood(side, '');
      };
      return Promise.race([answer, over.then(tooLate)]);
    },
    get over() {
      return isOver;
    },
    async settled() {
      if (doubtful) stdin.end();
      if (doubtful || isOver) await over;
    },
    async end() {
      stdin.end();
      await over.catch(() => {});
    },
  };
}

/** A listing, whose kind is one of `listing`. @param most entries are kept; more are only walked over. */
export async function askFor<F extends Format>(
  side: Side,
  questions: Questions,
  format: F,
  names: readonly string[],
  most = Number.POSITIVE_INFINITY,
): Promise<Map<string, F extends 'seen' ? Seen : Kind>> {
  const found = new Map<string, Kind>();
  await questions.ask(names, {
    take(record) {
      const entry = format === 'seen' ? parseSeen(record) : parseKind(record);
      if (entry === undefined) throw notUnderstood(side, record);
      if (found.size <= most) found.set(entry.name, entry.seen);
    },
  });
  return found as Map<string, F extends 'seen' ? Seen : Kind>;
}
