import type { Part } from '../../verify/compare-listed.ts';
import { laterList } from '../../verify/records.ts';
import type { Item } from '../output.ts';
import { inPlaceOf } from '../rsync-command.ts';
import { type PassProgress, type Ran, runRsync } from '../run-rsync.ts';
import type { ChangePass, ChangePassWorld } from './change-pass.ts';
import { halves } from './make-list.ts';

/** The rsyncs of one pass: one for most names, and at rest one or two beside it that write into files where they are. */
export interface Carriers {
  /** What is written where it is, and its bytes: nothing is deleted for it, so it need not wait for the rest. Once, at rest. */
  carryInPlace(files: ReadonlyMap<string, number>): void;
  /**
   * Gives all else of the list, once; later calls only wait.
   * @param planned is this name known to go from the target?
   * @returns what ends when, and how each ended
   */
  carry(names: readonly string[], planned: (name: string) => boolean): Carrying;
  readonly counts: { changed: number; deleted: number; bytes: number };
  /** Names that were deleted on the target though the source had them when they were listed. */
  readonly vanished: string[];
}

export interface Carrying {
  readonly parts: readonly Part[];
  readonly ending: Promise<readonly Ran[]>;
}

/** Starts them as soon as the lock that they share is held. @param ready says how it was refused, where it was */
export function startCarriers(
  pass: ChangePass,
  world: ChangePassWorld,
  ready: Promise<Ran | undefined>,
): Carriers {
  const counts = { changed: 0, deleted: 0, bytes: 0 };
  const vanished: string[] = [];
  const progress = progressOfAll((sum) => {
    counts.bytes = sum.bytes.done;
    world.progress?.(sum);
  });
  let isPlanned: (name: string) => boolean = () => false;
  const onItem = ({ change, name }: Item) => {
    if (change !== '*deleting') {
      counts.changed += 1;
      return;
    }
    counts.deleted += 1;
    const plain = name.replace(/\/$/, '');
    if (!isPlanned(plain)) vanished.push(plain);
  };
  const start = (argv: readonly string[]) => {
    const names = laterList();
    const tell = progress();
    const running = ready.then((refused) => refused ?? runRsync(world, argv, onItem, tell, names.stream));
    running.catch(() => {});
    return { running, give: names.give };
  };
  const into = inPlaceOf(pass.argv);
  let inPlace: ReadonlyMap<string, number> = new Map();
  const most = start(pass.argv);
  // Of a source in use nothing is written in place.
  const one = pass.frozen ? start(into) : undefined;
  const running = [most.running, ...(one === undefined ? [] : [one.running])];
  return {
    counts,
    vanished,
    carryInPlace(files) {
      inPlace = files;
      const [these, those] = sumOf(files.values()) < worthASecond ? [[...files.keys()], []] : halves(files);
      one?.give(these);
      if (those.length === 0) return;
      const other = start(into);
      other.give(those);
      running.push(other.running);
    },
    carry(names, planned) {
      isPlanned = planned;
      const others = names.filter((name) => !inPlace.has(name));
      most.give(others);
      one?.give([]);
      const inPlaceEnded = Promise.all(running.slice(1));
      inPlaceEnded.catch(() => {});
      return {
        parts: [
          { names: others, written: most.running },
          { names: [...inPlace.keys()], written: inPlaceEnded },
        ].filter((part) => part.names.length > 0),
        ending: allEnded(running),
      };
    },
  };
}

/** Waits for all, also where one was never started. */
async function allEnded(running: readonly Promise<Ran>[]): Promise<readonly Ran[]> {
  const ends = await Promise.allSettled(running);
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

/** Bytes of files that are written in place above which a second rsync is worth its start, a tenth of a second. */
const worthASecond = 1_000_000_000;

const sumOf = (numbers: Iterable<number>) => [...numbers].reduce((sum, one) => sum + one, 0);

/** The sum of what several say, told whenever one of them says something. */
function progressOfAll(tell: (sum: PassProgress) => void): () => (progress: PassProgress) => void {
  const said: (PassProgress | undefined)[] = [];
  const add = (of: (progress: PassProgress) => number | undefined): number | undefined =>
    said.reduce<number | undefined>((sum, one) => {
      const more = one === undefined ? undefined : of(one);
      return sum === undefined || more === undefined ? undefined : sum + more;
    }, 0);
  return () => {
    const index = said.push(undefined) - 1;
    return (progress) => {
      said[index] = progress;
      const known = said.filter((one) => one !== undefined);
      const done = (of: (one: PassProgress) => number) => known.reduce((sum, one) => sum + of(one), 0);
      const total = add(({ files }) => files.total);
      const rate = done(({ bytesPerSecond = 0 }) => bytesPerSecond);
      tell({
        files: { done: done(({ files }) => files.done), ...(total === undefined ? {} : { total }) },
        bytes: { done: done(({ bytes }) => bytes.done) },
        ...(rate === 0 ? {} : { bytesPerSecond: rate }),
      });
    };
  };
}
