/** find(1)'s letters for the types of entries. */
export type EntryType = 'f' | 'd' | 'l' | 'p' | 's' | 'b' | 'c';

/** One entry of a tree, as the tools of its machine print it. */
export interface Entry {
  readonly type: EntryType;
  /** Permission bits, octal. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of a regular file; 0 for all else. */
  readonly size: number;
  /** Seconds since the epoch with nine digits of their fraction. */
  readonly mtime: string;
  /** In the same form. */
  readonly ctime: string;
  readonly links: number;
  /** `device:inode`: names with the same value are one file. */
  readonly inode: string;
  /** Where a symbolic link points; bytes as latin1. */
  readonly link?: string;
  /** Major and minor of a device node, in hex. */
  readonly device?: string;
  /** Digest of the content, in hex; absent where it could not be read while the tree was in use. */
  readonly digest?: string;
  /** ACLs, xattrs and capabilities: names with values in hex, sorted by name. Absent: none. */
  readonly attributes?: Attributes;
}

export type Attributes = Readonly<Record<string, string>>;

const types = new Set<string>(['f', 'd', 'l', 'p', 's', 'b', 'c']);
const fieldsShape = /^([a-zA-Z]) ([0-7]+) (\d+) (\d+) (\d+) (-?\d+\.\d+) (-?\d+\.\d+) (\d+) (\d+) (\d+)\/\//;

/** find prints ten digits, the last of them a zero; other versions may print nine. */
function nanoseconds(time: string): string {
  return time.slice(0, time.indexOf('.') + 10);
}

/**
 * A record that find printed by `metadataFormat` of manifest-command.ts, from its type on: what follows `path//0`.
 * undefined: not understood.
 */
export function parseFields(fields: string): Entry | undefined {
  const found = fieldsShape.exec(fields);
  if (found === null || !types.has(found[1] as string)) return undefined;
  const [all, type, mode, uid, gid, size, mtime, ctime, links, inode, device] = found as unknown as string[];
  const entry: Entry = {
    type: type as EntryType,
    mode: mode as string,
    uid: Number(uid),
    gid: Number(gid),
    size: type === 'f' ? Number(size) : 0,
    mtime: nanoseconds(mtime as string),
    ctime: nanoseconds(ctime as string),
    links: Number(links),
    inode: `${device}:${inode}`,
  };
  return type === 'l' ? { ...entry, link: fields.slice((all as string).length) } : entry;
}

/** getfattr writes backslashes, control characters and, in names of attributes, `=` as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_all, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** Not carried, so not compared: XFS shows root each POSIX ACL a second time; settings of btrfs fit no other file system. */
const leftBehind = /^(trusted\.SGI_ACL_|btrfs\.)/;

/**
 * Takes `getfattr --dump --encoding=hex` in chunks: one record per file that has attributes. A line `# inode: KEY`
 * before a file (longAttributesCommand) replaces its name by KEY.
 */
export function attributeParser(onFile: (name: string, attributes: Attributes) => void): {
  push(chunk: Buffer | string): void;
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
      else if (!leftBehind.test(found[1] as string))
        attributes.push([unescapeOctal(found[1] as string), found[2] ?? '']);
    }
  };
  return {
    push(chunk) {
      const lines = (rest + (typeof chunk === 'string' ? chunk : chunk.toString('latin1'))).split('\n');
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
