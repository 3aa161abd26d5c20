import { DatabaseMarks } from './databases.ts';
import { LinkedInodes } from './linked-inodes.ts';
import type { Owner } from './source-findings.ts';
import { notUtf8, ownCopy, Tally } from './tally.ts';

/** Fields of one record: type, size, blocks of 512 bytes, links, inode, device, uid, gid; then the path, then NUL. */
const recordFormat = '%y %s %b %n %i %D %U %G %P\\0';

/** Marks an entry that this user cannot read. Comes right after the entry's own record. */
const unreadableFormat = '! %P\\0';

/**
 * One `find` that prints all that the census counts. It stays on the source's file system, leaves out `pruned`
 * folders, and does not mind files that come and go while it looks.
 * @param pruned absolute paths.
 */
export function censusArgv(path: string, pruned: readonly string[]): string[] {
  const leaveOut = pruned.flatMap((folder) => ['-path', escapePattern(folder), '-prune', '-o']);
  const unreadable = ['(', '!', '-readable', '-o', '-type', 'd', '!', '-executable', ')', '!', '-type', 'l'];
  return [
    'env',
    'LC_ALL=C',
    'find',
    path,
    '-xdev',
    '-ignore_readdir_race',
    '-mindepth',
    '1',
    ...leaveOut,
    '-printf',
    recordFormat,
    ...unreadable,
    '-printf',
    unreadableFormat,
  ];
}

/** `find -path` takes a pattern: this makes it mean the path itself. */
function escapePattern(path: string): string {
  return path.replaceAll(/[*?[\]\\]/g, (character) => `\\${character}`);
}

/** Folders by which containers/storage is known: `<driver>-containers` beside `<driver>-images` (one store has both). */
const storeMark = /^(overlay|vfs|btrfs|zfs|aufs|devicemapper)-(containers|images)$/;

/** A directory whose entries are coming: find prints a directory before all that lies below it, and nothing in between. */
interface OpenDirectory {
  /** Empty for the top, else with a slash at its end. */
  readonly prefix: string;
  readonly tally: Tally;
  /** How many inodes with several names, and how many stores, were known before it. */
  readonly linkedBefore: number;
  readonly storesBefore: number;
  storeMarks: ReadonlySet<string>;
}

const noMarks: ReadonlySet<string> = new Set();

/**
 * Counts the entries of a tree from the chunks of `censusArgv`'s output, in one go: a folder that shows itself to be an
 * image store is taken out of the counts when its last entry has come. Paths are byte strings (latin1), relative.
 * Memory grows with the depth of the tree, with the files that have several names (20 bytes each), and with what is found.
 */
export class Census {
  readonly marks = new DatabaseMarks();
  /** Folders that look like image stores; nothing in them is counted. `.` for the top itself. */
  readonly stores: string[] = [];
  /** Entries that have come so far, those that are taken out again included. */
  seen = 0;
  readonly #device: string;
  readonly #linked = new LinkedInodes();
  readonly #ownerNumbers = new Map<string, number>();
  readonly #open: OpenDirectory[] = [];
  #rest = '';

  /** @param device of the tree's top, as stat prints it. */
  constructor(device: string) {
    this.#device = device;
    this.#enter('');
  }

  add(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1');
    let from = 0;
    for (let to = text.indexOf('\0'); to !== -1; to = text.indexOf('\0', from)) {
      this.#record(text.slice(from, to));
      from = to + 1;
    }
    this.#rest = text.slice(from);
  }

  /** Was the last record whole? */
  get complete(): boolean {
    return this.#rest === '';
  }

  /** All is in: what is counted. To be called once, at the end. */
  end(): Tally {
    while (this.#open.length > 1) this.#leave();
    const top = this.#open[0] as OpenDirectory;
    if (top.storeMarks.size < 2) return top.tally;
    this.#forget(top, '.');
    return new Tally();
  }

  /** Files that have more than one name. */
  get hardLinkGroups(): number {
    return this.#linked.size;
  }

  /** Most frequent first. */
  owners(tally: Tally): Owner[] {
    const names = [...this.#ownerNumbers.keys()];
    return [...tally.owners]
      .map(([number, entries]) => {
        const [uid, gid] = (names[number] as string).split(' ').map(Number) as [number, number];
        return { uid, gid, entries };
      })
      .sort((a, b) => b.entries - a.entries || a.uid - b.uid || a.gid - b.gid);
  }

  #record(record: string): void {
    if (record.startsWith('! ')) {
      this.#current.tally.unreadable.add(record.slice(2));
      return;
    }
    const match = /^(.) (\d+) (-?\d+) (\d+) (\d+) (\d+) (\d+ \d+) ([\s\S]+)$/.exec(record);
    if (match === null) throw new UnreadableRecord(record);
    const [, type, size, blocks, links, inode, device, owner, path] = match as unknown as string[] as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    while (!path.startsWith(this.#current.prefix)) this.#leave();
    const name = path.slice(this.#current.prefix.length);
    if (type === 'd') {
      if (storeMark.test(name)) this.#current.storeMarks = new Set([...this.#current.storeMarks, name]);
      this.#enter(path);
    }
    const { tally } = this.#current;
    this.seen += 1;
    tally.entries += 1;
    tally.own(this.#ownerNumber(owner));
    if (notUtf8(name)) tally.notUtf8.add(path);
    const another = type !== 'd' && Number(links) > 1 && !this.#linked.add(inode);
    if (!another) {
      const allocated = Number(blocks) * 512;
      tally.inodes += 1;
      tally.allocatedBytes += allocated;
      if (type === 'f') {
        tally.bytes += Number(size);
        // A hole is worth naming from one page on; less is how file systems round.
        if (Number(size) - allocated >= 4096) tally.sparseFiles += 1;
      }
    }
    if (type === 'd' && device !== this.#device) tally.foreign.add(path);
    if (type !== 'f' && type !== 'd' && type !== 'l') {
      tally.special.add(path);
      if (type === 'p') tally.fifos += 1;
      else if (type === 's') tally.sockets += 1;
      else tally.devices += 1;
    }
    this.marks.see(path, type, Number(size));
  }

  get #current(): OpenDirectory {
    return this.#open[this.#open.length - 1] as OpenDirectory;
  }

  #enter(path: string): void {
    this.#open.push({
      prefix: path === '' ? '' : `${path}/`,
      tally: new Tally(),
      linkedBefore: this.#linked.size,
      storesBefore: this.stores.length,
      storeMarks: noMarks,
    });
  }

  /** The last entry of the innermost directory has come. */
  #leave(): void {
    const directory = this.#open.pop() as OpenDirectory;
    if (directory.storeMarks.size > 1) this.#forget(directory, directory.prefix.slice(0, -1));
    else this.#current.tally.merge(directory.tally);
  }

  #forget(directory: OpenDirectory, store: string): void {
    this.#linked.takeBack(directory.linkedBefore);
    this.marks.forget(directory.prefix);
    this.stores.length = directory.storesBefore;
    this.stores.push(ownCopy(store));
  }

  #ownerNumber(owner: string): number {
    let number = this.#ownerNumbers.get(owner);
    if (number === undefined) {
      number = this.#ownerNumbers.size;
      this.#ownerNumbers.set(ownCopy(owner), number);
    }
    return number;
  }
}

/** A record that is not of the form asked for. */
export class UnreadableRecord extends Error {
  constructor(record: string) {
    super(`find printed ${JSON.stringify(record.slice(0, 80))}`);
  }
}
