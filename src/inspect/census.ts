import { posix } from 'node:path';
import { DatabaseMarks } from './databases.ts';

/** Fields of one record: type, size, blocks of 512 bytes, links, inode, uid, gid; then the path, then NUL. */
const recordFormat = '%y %s %b %n %i %U %G %P\\0';

/** Marks an entry that this user cannot read. */
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

/** Counts the entries of a tree from the chunks of `censusArgv`'s output. Paths are byte strings (latin1), relative. */
export class Census {
  entries = 0;
  bytes = 0;
  allocatedBytes = 0;
  sparseFiles = 0;
  readonly unreadable: string[] = [];
  readonly marks = new DatabaseMarks();
  readonly #owners = new Map<string, number>();
  readonly #linked = new Set<string>();
  readonly #stores = new Map<string, Set<string>>();
  #rest = '';

  add(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1');
    const records = text.split('\0');
    this.#rest = records.pop() as string;
    for (const record of records) this.#record(record);
  }

  /** Was the last record whole? */
  get complete(): boolean {
    return this.#rest === '';
  }

  get hardLinkGroups(): number {
    return this.#linked.size;
  }

  get owners(): { uid: number; gid: number; entries: number }[] {
    return [...this.#owners]
      .map(([owner, entries]) => {
        const [uid, gid] = owner.split(':').map(Number) as [number, number];
        return { uid, gid, entries };
      })
      .sort((a, b) => b.entries - a.entries || a.uid - b.uid || a.gid - b.gid);
  }

  /** Folders that look like image stores. */
  get stores(): string[] {
    return [...this.#stores].flatMap(([folder, marks]) => (marks.size > 1 ? [folder] : [])).sort();
  }

  #record(record: string): void {
    if (record.startsWith('! ')) {
      this.unreadable.push(record.slice(2));
      return;
    }
    const match = /^(.) (\d+) (-?\d+) (\d+) (\d+) (\d+) (\d+) ([\s\S]+)$/.exec(record);
    if (match === null) throw new UnreadableRecord(record);
    const [, type, size, blocks, links, inode, uid, gid, path] = match as unknown as [
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
    this.entries += 1;
    const allocated = Number(blocks) * 512;
    this.allocatedBytes += allocated;
    this.#owners.set(`${uid}:${gid}`, (this.#owners.get(`${uid}:${gid}`) ?? 0) + 1);
    if (type === 'f') {
      const counted = Number(links) > 1 && this.#linked.has(inode);
      if (!counted) this.bytes += Number(size);
      else this.allocatedBytes -= allocated;
      // A hole is worth naming from one page on; less is how file systems round.
      if (!counted && Number(size) - allocated >= 4096) this.sparseFiles += 1;
    }
    if (type !== 'd' && Number(links) > 1) this.#linked.add(inode);
    if (type === 'd' && storeMark.test(posix.basename(path))) {
      const folder = posix.dirname(path);
      const marks = this.#stores.get(folder) ?? new Set<string>();
      marks.add(posix.basename(path));
      this.#stores.set(folder, marks);
    }
    this.marks.see(path, type, Number(size));
  }
}

/** A record that is not of the form asked for. */
export class UnreadableRecord extends Error {
  constructor(record: string) {
    super(`find printed ${JSON.stringify(record.slice(0, 80))}`);
  }
}
