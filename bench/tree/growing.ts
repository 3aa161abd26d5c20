import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What a generated tree holds. `bytes` are apparent, each inode once; `entries` are all names below the top. */
export interface TreeCounts {
  entries: number;
  files: number;
  directories: number;
  symbolicLinks: number;
  /** Names beyond the first of an inode. */
  hardLinks: number;
  sparseFiles: number;
  bytes: number;
}

const poolBytes = 8 * 1024 ** 2;
/** Three years before now, in steps: files of one tree are not of one second. */
const oldest = Math.floor(Date.now() / 1000) - 3 * 365 * 86_400;

/** A tree while it is filled: makes folders as needed, gives each entry the owner at hand, and counts. Paths are relative. */
export class Growing {
  readonly root: string;
  readonly counts: TreeCounts = {
    entries: 0,
    files: 0,
    directories: 0,
    symbolicLinks: 0,
    hardLinks: 0,
    sparseFiles: 0,
    bytes: 0,
  };
  readonly #owners = new Set<string>();
  #owner: Owner = { uid: 0, gid: 0 };
  readonly #pool = randomBytes(poolBytes);
  readonly #random: (below: number) => number;
  readonly #folders = new Set<string>(['.']);

  constructor(root: string, random: (below: number) => number) {
    this.root = root;
    this.#random = random;
  }

  /** Of the entries made from here on. */
  set owner(owner: Owner) {
    this.#owner = owner;
    this.#owners.add(`${owner.uid}:${owner.gid}`);
  }

  /** How many different owners were set. */
  get owners(): number {
    return this.#owners.size;
  }

  folder(path: string): void {
    if (this.#folders.has(path)) return;
    this.folder(dirname(path));
    mkdirSync(join(this.root, path));
    lchownSync(join(this.root, path), this.#owner.uid, this.#owner.gid);
    this.#folders.add(path);
    this.counts.directories += 1;
    this.counts.entries += 1;
  }

  /** A file of random bytes, after what it is to begin with. */
  random(path: string, size: number, header = ''): void {
    this.#file(path, size, (file) => {
      const begin = Buffer.from(header, 'latin1');
      writeSync(file, begin);
      for (let left = size - begin.length; left > 0; ) {
        const length = Math.min(left, poolBytes);
        const start = this.#random(poolBytes - length + 1);
        left -= writeSync(file, this.#pool, start, length);
      }
    });
  }

  text(path: string, content: string): void {
    this.#file(path, Buffer.byteLength(content), (file) => writeSync(file, content));
  }

  /** A file that is mostly a hole: a page at its beginning, one near its end. */
  sparse(path: string, size: number): void {
    this.#file(path, size, (file) => {
      writeSync(file, this.#pool, this.#random(1_000_000), 4096, 0);
      writeSync(file, this.#pool, this.#random(1_000_000), 4096, Math.floor((size * 0.9) / 4096) * 4096);
      ftruncateSync(file, size);
    });
    this.counts.sparseFiles += 1;
  }

  hardLink(of: string, path: string): void {
    this.folder(dirname(path));
    linkSync(join(this.root, of), join(this.root, path));
    this.counts.files += 1;
    this.counts.hardLinks += 1;
    this.counts.entries += 1;
  }

  symbolicLink(to: string, path: string): void {
    this.folder(dirname(path));
    symlinkSync(to, join(this.root, path));
    lchownSync(join(this.root, path), this.#owner.uid, this.#owner.gid);
    // rsync does not carry a time that differs within one second.
    lutimesSync(join(this.root, path), oldest, oldest);
    this.counts.symbolicLinks += 1;
    this.counts.entries += 1;
  }

  #file(path: string, size: number, write: (file: number) => void): void {
    this.folder(dirname(path));
    const file = openSync(join(this.root, path), 'w', this.counts.files % 7 === 0 ? 0o640 : 0o644);
    try {
      write(file);
      fchownSync(file, this.#owner.uid, this.#owner.gid);
      const time = oldest + this.#random(3 * 365 * 86_400 - 86_400) + this.#random(1000) / 1000;
      futimesSync(file, time, time);
    } finally {
      closeSync(file);
    }
    this.counts.files += 1;
    this.counts.entries += 1;
    this.counts.bytes += size;
  }
}
