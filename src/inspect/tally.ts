import { isUtf8 } from 'node:buffer';

/** Counts of one kind of entry, with the first ones by name. Names are byte strings (latin1), relative. */
export class Names {
  count = 0;
  readonly first: string[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(name: string): void {
    this.count += 1;
    if (this.first.length < this.#limit) this.first.push(ownCopy(name));
  }

  merge(other: Names): void {
    this.count += other.count;
    if (this.first.length < this.#limit)
      this.first.push(...other.first.slice(0, this.#limit - this.first.length));
  }
}

/** How many are listed by name: what has to be dealt with one by one, and what is only good to know. */
const listed = { unreadable: 1000, others: 20 };

/** What is counted in one directory and below it. */
export class Tally {
  entries = 0;
  inodes = 0;
  bytes = 0;
  allocatedBytes = 0;
  sparseFiles = 0;
  fifos = 0;
  sockets = 0;
  devices = 0;
  readonly special = new Names(listed.others);
  readonly notUtf8 = new Names(listed.others);
  readonly unreadable = new Names(listed.unreadable);
  /** Directories that are on another device. */
  readonly foreign = new Names(listed.unreadable);
  /** Entries by number of the owner. */
  readonly owners = new Map<number, number>();

  own(owner: number, entries = 1): void {
    this.owners.set(owner, (this.owners.get(owner) ?? 0) + entries);
  }

  merge(other: Tally): void {
    this.entries += other.entries;
    this.inodes += other.inodes;
    this.bytes += other.bytes;
    this.allocatedBytes += other.allocatedBytes;
    this.sparseFiles += other.sparseFiles;
    this.fifos += other.fifos;
    this.sockets += other.sockets;
    this.devices += other.devices;
    this.special.merge(other.special);
    this.notUtf8.merge(other.notUtf8);
    this.unreadable.merge(other.unreadable);
    this.foreign.merge(other.foreign);
    for (const [owner, entries] of other.owners) this.own(owner, entries);
  }
}

/** A byte string (latin1) whose bytes are not UTF-8. */
export function notUtf8(name: string): boolean {
  return /[\x80-\xff]/.test(name) && !isUtf8(Buffer.from(name, 'latin1'));
}

/** A part of a string keeps the whole in memory: what is kept for long gets bytes of its own. */
export function ownCopy(part: string): string {
  return Buffer.from(part, 'latin1').toString('latin1');
}
