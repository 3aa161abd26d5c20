import type { Item } from '../output.ts';
import type { PassProgress } from '../run-rsync.ts';
import type { Part } from './parts.ts';
import type { Work } from './pool.ts';

/** `-ii` names what is as it should be with an item that shows no change. */
const unchanged = (item: Item) => /^\.[fdLDS] *$/.test(item.change);

/** How far one part is. */
export interface PartProgress {
  item(item: Item): void;
  /** Entries that were not there. */
  made(count: number): void;
  /** File data sent so far, as far as the carrier knows. */
  sent(bytes: number): void;
  /** It ended well. */
  finished(): void;
}

/** Adds up all parts of a pass: never backwards, at most the totals, and the totals exactly when all parts ended well. */
export class BulkProgress {
  /** Carried by this pass, without what was there already. */
  carried: Work = { entries: 0, bytes: 0 };
  readonly #totals: Work;
  readonly #tell: (progress: PassProgress) => void;
  #done: Work = { entries: 0, bytes: 0 };
  /** Parts that have not ended well, or not yet. */
  #open = 0;

  constructor(totals: Work, tell: (progress: PassProgress) => void = () => {}) {
    this.#totals = totals;
    this.#tell = tell;
  }

  part(part: Part): PartProgress {
    this.#open += 1;
    let entries = 0;
    let there = 0;
    let sent = 0;
    let counted: Work = { entries: 0, bytes: 0 };
    const add = (now: Work) => {
      // Directories above a part are named by each part, and a source in use grows.
      const next = {
        entries: Math.max(counted.entries, Math.min(now.entries, part.entries)),
        bytes: Math.max(counted.bytes, Math.min(now.bytes, part.bytes)),
      };
      this.#done = {
        entries: this.#done.entries + next.entries - counted.entries,
        bytes: this.#done.bytes + next.bytes - counted.bytes,
      };
      counted = next;
    };
    const carried = (count: number): void => {
      this.carried = { ...this.carried, entries: this.carried.entries + count };
    };
    return {
      made: (count) => {
        entries += count;
        carried(count);
        add({ entries, bytes: there + sent });
      },
      item: (item) => {
        entries += 1;
        if (item.change.startsWith('.f')) there += item.length;
        if (!unchanged(item)) carried(1);
        add({ entries, bytes: there + sent });
      },
      sent: (bytes) => {
        this.carried = { ...this.carried, bytes: this.carried.bytes + Math.max(0, bytes - sent) };
        sent = Math.max(sent, bytes);
        add({ entries, bytes: there + sent });
        this.#say();
      },
      finished: () => {
        add(part);
        this.#open -= 1;
        this.#say();
      },
    };
  }

  /** There are no more parts. Directories with nothing of their own but parts belong to none of them. */
  ended(): void {
    if (this.#open > 0) return;
    this.#done = this.#totals;
    this.#say();
  }

  #say(): void {
    this.#tell({
      files: { done: this.#done.entries, total: this.#totals.entries },
      bytes: { done: this.#done.bytes, total: this.#totals.bytes },
    });
  }
}
