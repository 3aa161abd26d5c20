import { Readable } from 'node:stream';
import { nulRecords } from '../../verify/records.ts';
import { type Depth, type Format, listingsCommand } from './commands.ts';
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
} from './look.ts';

type Found<F extends Format> = Map<string, F extends 'seen' ? Seen : Kind>;

interface Listing<F extends Format> {
  readonly depth: Depth;
  readonly format: F;
  /** Entries that are kept; more are only walked over. */
  readonly most?: number;
}

/** Questions that were asked before it is known about which names: the command is there, connected. */
export interface Questions<T> {
  /** Once: later calls only get the answers. @param names for each question, in their order */
  about(...names: readonly (readonly string[])[]): Promise<T>;
  /** The answer to the first question, which comes before the others. */
  readonly first: Promise<T extends readonly [infer First, ...unknown[]] ? First : never>;
}

/** Asks one side several questions at once; they are to be told their names, or none. */
export function ask<const L extends readonly Listing<Format>[]>(
  side: Side,
  listings: L,
): Questions<{ [I in keyof L]: Found<L[I]['format']> }> {
  let give: (names: readonly (readonly string[])[]) => void = () => {};
  const names = new Promise<readonly (readonly string[])[]>((resolve) => {
    give = resolve;
  });
  type Answers = { [I in keyof L]: Found<L[I]['format']> };
  type First = Awaited<Questions<Answers>['first']>;
  let answerFirst: (found: Map<string, Kind>) => void = () => {};
  const firstFound = new Promise<Map<string, Kind>>((resolve) => {
    answerFirst = resolve;
  });
  const answers = answersOf(side, listings, names, answerFirst) as Promise<Answers>;
  const first = Promise.race([firstFound, answers.then(() => firstFound)]) as Promise<First>;
  for (const one of [answers, first]) one.catch(() => {});
  return {
    first,
    about(...of) {
      give(of);
      return answers;
    },
  };
}

async function* questions(
  given: Promise<readonly (readonly string[])[]>,
  count: number,
): AsyncGenerator<Buffer> {
  const names = await given;
  const lists = Array.from({ length: count }, (_, index) =>
    Buffer.concat([...placeList(names[index] ?? [])]),
  );
  yield Buffer.from(`${lists.map(({ length }) => length).join(' ')}\n`);
  for (const one of lists) if (one.length > 0) yield one;
}

async function answersOf(
  side: Side,
  listings: readonly Listing<Format>[],
  names: Promise<readonly (readonly string[])[]>,
  onFirst: (found: Map<string, Kind>) => void,
): Promise<Map<string, Kind>[]> {
  const found: Map<string, Kind>[] = listings.map(() => new Map());
  let at = 0;
  const parser = nulRecords((record) => {
    const listing = listings[at];
    const into = found[at];
    if (listing === undefined || into === undefined) throw notUnderstood(side, record);
    if (record === '') {
      if (at === 0) onFirst(into);
      at += 1;
      return;
    }
    const entry = listing.format === 'seen' ? parseSeen(record) : parseKind(record);
    if (entry === undefined) throw notUnderstood(side, record);
    if (into.size <= (listing.most ?? Number.POSITIVE_INFINITY)) into.set(entry.name, entry.seen);
  });
  const result = await side.host.run(listingsCommand(side.path, side.exclude, listings), {
    onStdout: parser.push,
    stdin: Readable.from(questions(names, listings.length)),
    ...running(side),
  });
  parser.push(result.stdout);
  checkFind(side, result);
  if (parser.rest() !== '' || at !== listings.length) throw notUnderstood(side, parser.rest());
  return found;
}
