/** A directory of the tree, with what lies in it and is not in one of `children`. */
export interface Folder {
  readonly name: string;
  readonly parent: Folder | undefined;
  readonly depth: number;
  readonly device: string;
  readonly children: Folder[];
  /** Itself, and what lies in it; also what lies in directories below it that have no Folder. */
  entries: number;
  bytes: number;
  /** Taken up into this one, to keep the number of Folders bounded. */
  into?: Folder;
  /** Next in the chain of Folders that share an inode (union-find). */
  linked?: Folder;
}

export interface TreeLimits {
  /** Directories kept apart; from there on the deepest ones are taken together with their parents. */
  readonly folders: number;
  /** Inodes of several names, not all of which have been seen. */
  readonly pendingInodes: number;
}

/** Below 100 MB of memory together. */
const usual: TreeLimits = { folders: 100_000, pendingInodes: 300_000 };

/**
 * What a tree weighs, by directory, and which directories share an inode: from the records of `scanArgv`, in bounded
 * memory whatever the size of the tree.
 */
export class TreeTotals {
  entries = 0;
  bytes = 0;
  /** More linked inodes are open at once than may be remembered: what shares one is not known. */
  tooLinked = false;
  /** Pairs of directories with a name of the same inode, as few as connect them all. */
  #links: [Folder, Folder][] = [];
  readonly #limits: TreeLimits;
  /** The directory at each depth on the way to the record at hand. */
  readonly #way: Folder[] = [];
  readonly #pending = new Map<string, { readonly folder: Folder; left: number }>();
  #folders = 0;
  #deepest = Infinity;
  #rest = '';

  constructor(limits: TreeLimits = usual) {
    this.#limits = limits;
  }

  /** @throws UnreadableRecord for a record of another shape. */
  add(chunk: Buffer): void {
    const records = (this.#rest + chunk.toString('latin1')).split('\0');
    this.#rest = records.pop() as string;
    for (const record of records) this.#record(record);
  }

  get root(): Folder | undefined {
    return this.#way[0];
  }

  /** Was the last record whole? */
  get complete(): boolean {
    return this.#rest === '';
  }

  get links(): readonly (readonly [Folder, Folder])[] {
    return this.#links;
  }

  /** Directories from this depth on are not told apart. */
  get deepest(): number {
    return this.#deepest;
  }

  #record(record: string): void {
    const match = /^([dflo])(\d+)(?: (\d+)(?: ([\s\S]*))?)?$/.exec(record);
    if (match === null) throw new UnreadableRecord(record);
    const [, kind, depthText, first, rest] = match as unknown as [string, string, string, string?, string?];
    const depth = Number(depthText);
    this.entries += 1;
    if (kind === 'd') {
      this.#folder(depth, first as string, rest as string, record);
      return;
    }
    const folder = this.#way[depth - 1];
    if (folder === undefined) throw new UnreadableRecord(record);
    folder.entries += 1;
    if (kind === 'o') return;
    const size = Number(first);
    if (kind === 'l' && !this.#firstName(folder, rest as string, record)) return;
    folder.bytes += size;
    this.bytes += size;
  }

  #folder(depth: number, device: string, name: string, record: string): void {
    const parent = depth === 0 ? undefined : this.#way[depth - 1];
    if (name === undefined || (depth > 0 && parent === undefined)) throw new UnreadableRecord(record);
    this.#way.length = depth;
    if (parent !== undefined && depth > this.#deepest) {
      this.#way[depth] = parent;
      parent.entries += 1;
      return;
    }
    const folder: Folder = { name, parent, depth, device, children: [], entries: 1, bytes: 0 };
    this.#way[depth] = folder;
    parent?.children.push(folder);
    this.#folders += 1;
    while (this.#folders > this.#limits.folders && this.#deepest > 0) this.#shallower();
  }

  /** Is this the first name of its inode? Remembers it until the last one has been seen. @param text `inode names` */
  #firstName(folder: Folder, text: string, record: string): boolean {
    const [inode, names] = (text ?? '').split(' ') as [string, string?];
    if (names === undefined) throw new UnreadableRecord(record);
    const known = this.#pending.get(inode);
    if (known === undefined) {
      if (this.#pending.size >= this.#limits.pendingInodes) this.tooLinked = true;
      else this.#pending.set(inode, { folder, left: Number(names) - 1 });
      return true;
    }
    this.#link(known.folder, folder);
    known.left -= 1;
    if (known.left <= 0) this.#pending.delete(inode);
    return false;
  }

  #link(one: Folder, other: Folder): void {
    const [a, b] = [standing(one), standing(other)];
    const [topOfA, topOfB] = [chainEnd(a), chainEnd(b)];
    if (topOfA === topOfB) return;
    topOfA.linked = topOfB;
    this.#links.push([a, b]);
  }

  /** Takes the deepest directories up into their parents. */
  #shallower(): void {
    const root = this.#way[0] as Folder;
    const deepest = Math.min(this.#deepest, depthBelow(root)) - 1;
    this.#deepest = deepest;
    const visit = (folder: Folder): void => {
      if (folder.depth < deepest) {
        for (const child of folder.children) visit(child);
        return;
      }
      for (const child of folder.children) {
        folder.entries += child.entries;
        folder.bytes += child.bytes;
        child.into = folder;
      }
      this.#folders -= folder.children.length;
      folder.children.length = 0;
    };
    visit(root);
    for (const [depth, folder] of this.#way.entries()) this.#way[depth] = standing(folder);
    this.#relink();
  }

  /** Links between directories that are one now are none. */
  #relink(): void {
    const links = this.#links;
    for (const pair of links) for (const folder of pair) delete folder.linked;
    this.#links = [];
    for (const [one, other] of links) this.#link(one, other);
  }
}

/** The Folder that stands for one which was taken up. */
function standing(folder: Folder): Folder {
  let at = folder;
  while (at.into !== undefined) at = at.into;
  return at;
}

function chainEnd(folder: Folder): Folder {
  let end = folder;
  while (end.linked !== undefined) end = end.linked;
  // The next look takes one step.
  for (let at = folder; at.linked !== undefined && at.linked !== end; ) {
    const next = at.linked;
    at.linked = end;
    at = next;
  }
  return end;
}

function depthBelow(folder: Folder): number {
  return folder.children.reduce((deepest, child) => Math.max(deepest, depthBelow(child)), folder.depth);
}

/** A record that is not of the scan's format. */
export class UnreadableRecord extends Error {
  constructor(record: string) {
    super(`not a record of the scan: ${JSON.stringify(record.slice(0, 200))}`);
    this.name = 'UnreadableRecord';
  }
}
