import type { Place } from './context.ts';
import type { StreamFacts } from './facts.ts';
import { handoverSnapshot, numberOf } from './names.ts';

/** How `zfs send` brings a share from one dataset to another. Names of snapshots are without their dataset. */
export interface Stream {
  readonly from: string;
  readonly to: string;
  /** The newest snapshot of the receiving side, which the other one has too; absent: everything is sent. */
  readonly base?: string;
  /** A receive was cut off: it is gone on with, or, where its snapshot is no longer there, thrown away. */
  readonly unfinished?: { readonly snapshot: string; readonly there: boolean };
  /** Encrypted: sent as it is stored, and received with a key that nobody has loaded. */
  readonly raw: boolean;
  /** Taken while the guests run, one after the other. */
  readonly rounds: readonly string[];
  /** Taken when no guest runs. */
  readonly atRest: string;
  /** Taken when the old place has given its marker away: what both nodes keep. */
  readonly handover: string;
}

/** Chosen by what was found: a stream, or why it is none. */
export type Choice =
  | { readonly stream: Stream; readonly because: string }
  | { readonly stream?: undefined; readonly because: string };

/** The first copy, what has changed meanwhile, and what has changed while that was sent. */
const rounds = 3;

const rsync = (because: string): Choice => ({ because });
const wordsOf = (place: Place) => `${place.node}:${place.dataset}`;

/** Snapshots of a place that `zfs send` carried, or was to carry. */
export const ownSnapshotsOf = ({ facts }: Pick<Place, 'facts'>): string[] =>
  (facts.dataset?.stream?.snapshots ?? []).flatMap(({ name }) =>
    numberOf(name) === undefined ? [] : [name],
  );

/** Whether `zfs send` carries a share from one place to the other, and why. */
export function chooseStream(from: Place, to: Place): Choice {
  const directory = [from, to].find(({ dataset }) => dataset === undefined);
  if (directory !== undefined)
    return rsync(`${directory.node}:${directory.path} is a directory, not a dataset of its own`);
  const sent = from.facts.dataset?.stream;
  if (sent === undefined) return rsync(`the snapshots of ${wordsOf(from)} were not seen`);
  const { mounted, mountpoint } = from.facts.dataset ?? {};
  if (mounted !== true || mountpoint !== from.path)
    return rsync(`${wordsOf(from)} is not what is mounted at ${from.path}`);
  return to.facts.marker === undefined ? onItsWay(from, to, sent) : arrived(from, to, sent);
}

function onItsWay(from: Place, to: Place, sent: StreamFacts): Choice {
  const there = to.facts.dataset?.stream;
  if (to.facts.dataset === undefined)
    return chosen(from, to, sent, undefined, `${wordsOf(to)} does not exist yet, so everything is sent`);
  if (there === undefined) return rsync(`the snapshots of ${wordsOf(to)} were not seen`);
  const { unfinished } = there;
  if (unfinished !== undefined && numberOf(unfinished.snapshot) === undefined)
    return rsync(
      `${wordsOf(to)} holds what a receive of ${unfinished.snapshot} has left, which is not drayage's`,
    );
  const newest = there.snapshots.at(-1);
  if (newest === undefined)
    return unfinished === undefined
      ? rsync(
          `${wordsOf(to)} exists and has no snapshot in common with ${wordsOf(from)}: a receive would replace it`,
        )
      : chosen(from, to, sent, undefined, `${wordsOf(to)} has the beginning of a stream that was cut off`);
  const common = numberOf(newest.name) !== undefined && sent.snapshots.some(same(newest));
  if (!common)
    return rsync(
      `the newest snapshot of ${wordsOf(to)}, @${newest.name}, is not one that drayage sent and ${from.node} has too`,
    );
  // A receive that was cut off has written, too.
  if (unfinished === undefined && there.writtenBytes > 0)
    return rsync(`${wordsOf(to)} was written to since its newest snapshot, @${newest.name}`);
  return chosen(
    from,
    to,
    sent,
    newest.name,
    `both have @${newest.name}, so only what changed since then is sent`,
  );
}

/** What was handed over by a stream has its snapshot as the newest of drayage's on both sides. */
function arrived(from: Place, to: Place, sent: StreamFacts): Choice {
  const last = (facts: StreamFacts | undefined) =>
    facts?.snapshots.findLast(({ name }) => name === handoverSnapshot || numberOf(name) !== undefined);
  const [old, now] = [last(sent), last(to.facts.dataset?.stream)];
  return now !== undefined && old !== undefined && numberOf(now.name) !== undefined && same(now)(old)
    ? chosen(from, to, sent, now.name, `both have @${now.name}`)
    : rsync(`${wordsOf(to)} has it, and the two have no snapshot of the hand-over in common`);
}

const same =
  (one: StreamFacts['snapshots'][number]) =>
  (other: StreamFacts['snapshots'][number]): boolean =>
    other.name === one.name && other.guid === one.guid;

function chosen(from: Place, to: Place, sent: StreamFacts, base: string | undefined, why: string): Choice {
  const unfinished = to.facts.dataset?.stream?.unfinished;
  const used = [
    ...ownSnapshotsOf(from),
    ...ownSnapshotsOf(to),
    ...(unfinished === undefined ? [] : [unfinished.snapshot]),
  ];
  const next = 1 + Math.max(0, ...used.map((name) => numberOf(name) ?? 0));
  const name = (number: number) => `${handoverSnapshot}-${next + number}`;
  const handedOver = to.facts.marker === undefined ? undefined : base;
  return {
    because: why,
    stream: {
      from: from.dataset as string,
      to: to.dataset as string,
      ...(base === undefined ? {} : { base }),
      ...(unfinished === undefined ? {} : { unfinished }),
      raw: sent.encrypted,
      rounds: Array.from({ length: rounds }, (_, number) => name(number)),
      atRest: name(rounds),
      handover: handedOver ?? name(rounds + 1),
    },
  };
}
