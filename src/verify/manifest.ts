/** find(1)'s letters for the types of entries. */
export type EntryType = 'f' | 'd' | 'l' | 'p' | 's' | 'b' | 'c';

/** One entry of a tree, as the tools of its machine print it. */
export interface Entry {
  readonly type: EntryType;
  /** Permission bits, octal. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since the epoch with their fraction, as find prints them. */
  readonly mtime: string;
  /** Whole seconds. */
  readonly ctime: number;
  readonly links: number;
  /** `device:inode`: names with the same value are one file. */
  readonly inode: string;
  /** Where a symbolic link points; bytes as latin1. */
  readonly link?: string;
  /** Major and minor of a device node, in hex. */
  device?: string;
  /** SHA-256 of the content, in hex; absent where it was not asked for. */
  digest?: string;
  /** ACLs, xattrs and capabilities: names with values in hex, sorted by name. Absent: none, or not asked for. */
  attributes?: Readonly<Record<string, string>>;
}

/** A whole tree. Keys are paths relative to its top (`''` is the top itself); bytes as latin1. */
export interface Manifest {
  readonly entries: Map<string, Entry>;
  /** getfattr is there; without it ACLs, xattrs and capabilities are not known. */
  attributesKnown: boolean;
}

const types = new Set<string>(['f', 'd', 'l', 'p', 's', 'b', 'c']);

/** The fields before the names: what `metadataFormat` of manifest-command.ts prints. undefined: not understood. */
export function parseFields(fields: string): Omit<Entry, 'link'> | undefined {
  const found = /^([a-zA-Z]) ([0-7]+) (\d+) (\d+) (\d+) (-?\d+\.\d+) (-?\d+)\.\d+ (\d+) (\d+) (\d+)$/.exec(
    fields,
  );
  if (found === null || !types.has(found[1] as string)) return undefined;
  const [, type, mode, uid, gid, size, mtime, ctime, links, inode, device] = found as unknown as string[];
  return {
    type: type as EntryType,
    mode: mode as string,
    uid: Number(uid),
    gid: Number(gid),
    size: Number(size),
    mtime: mtime as string,
    ctime: Number(ctime),
    links: Number(links),
    inode: `${device}:${inode}`,
  };
}

/** getfattr writes backslashes, control characters and, in names of attributes, `=` as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_all, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** XFS shows root each POSIX ACL a second time under these names. */
const shownTwice = /^trusted\.SGI_ACL_/;

/**
 * Takes `getfattr --dump --encoding=hex` in chunks: one record per file that has attributes. A line `# inode: KEY`
 * before a file (longAttributesCommand) replaces its name by KEY.
 */
export function attributeParser(onFile: (name: string, attributes: Record<string, string>) => void): {
  push(chunk: Buffer): void;
  /** What is left over; empty when the output was whole. */
  end(): string;
  readonly unknown: string[];
} {
  let rest = '';
  let name: string | undefined;
  let inode: string | undefined;
  let attributes: [string, string][] = [];
  const unknown: string[] = [];
  const line = (text: string) => {
    if (text === '') {
      if (name !== undefined && attributes.length > 0) {
        onFile(name, Object.fromEntries(attributes.sort(([a], [b]) => (a < b ? -1 : 1))));
      }
      name = undefined;
      attributes = [];
    } else if (text.startsWith('# inode: ')) {
      inode = text.slice(9);
    } else if (text.startsWith('# file: ')) {
      name = inode ?? unescapeOctal(text.slice(8));
    } else {
      const found = /^([^=]+)=(?:0x([0-9a-f]*))?$/.exec(text);
      if (found === null || name === undefined) unknown.push(text);
      else if (!shownTwice.test(found[1] as string))
        attributes.push([unescapeOctal(found[1] as string), found[2] ?? '']);
    }
  };
  return {
    push(chunk) {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() as string;
      for (const text of lines) line(text);
    },
    end() {
      line('');
      return rest;
    },
    unknown,
  };
}
