import { parseFields } from './manifest.ts';
import { manifestLine } from './manifest-line.ts';
import { notUnderstood, type Tree } from './tree.ts';

/**
 * What is known of an entry comes as records that begin with `path//`, so that sort(1) brings them together, the
 * metadata first: `0` and find's fields, then these.
 */
export const recordKind = { digest: '1', attributes: '2', device: '3' } as const;

/** @param value digest; attributes as JSON; major:minor */
export function recordOf(path: string, kind: keyof typeof recordKind, value: string): string {
  return `${path}//${recordKind[kind]}${value}\0`;
}

/** A sorted record, taken apart. */
export function splitRecord(record: string): { path: string; kind: string; value: string } {
  const at = record.indexOf('//');
  return { path: record.slice(0, at), kind: record.charAt(at + 2), value: record.slice(at + 3) };
}

/** Lines are handed on in pieces of this many characters. */
const pieceLength = 64 * 1024;

/**
 * Makes the lines of a manifest from sorted records.
 * @param live the tree was in use: attributes of what was not listed are left out, as are second sights of a name
 */
export function joiner(tree: Tree, live: boolean) {
  let lines = '';
  let path: string | undefined;
  let fields = '';
  let digest: string | undefined;
  let attributes: string | undefined;
  let device: string | undefined;
  const line = () => {
    if (path === undefined) return;
    const entry = parseFields(fields);
    if (entry === undefined) throw notUnderstood(tree, 'find', fields);
    if (!live && entry.type === 'f' && digest === undefined)
      throw notUnderstood(tree, 'the digest tool', `nothing for ${path}`);
    const whole = digest === undefined ? entry : { ...entry, digest };
    lines += manifestLine(path, device === undefined ? whole : { ...whole, device }, attributes);
  };
  return {
    record(record: string): void {
      const { path: name, kind, value } = splitRecord(record);
      if (kind === '0') {
        if (name === path) {
          if (!live) throw notUnderstood(tree, 'find', `the same name twice: ${name}`);
          return;
        }
        line();
        path = name;
        fields = value;
        digest = undefined;
        attributes = undefined;
        device = undefined;
        return;
      }
      if (name !== path) {
        if (!live) throw notUnderstood(tree, 'getfattr', name);
        return;
      }
      if (kind === recordKind.digest) digest = value;
      else if (kind === recordKind.attributes) attributes = value;
      else device = value;
    },
    /** What has become whole since the last call, when it is worth writing. */
    piece(): string {
      if (lines.length < pieceLength) return '';
      const piece = lines;
      lines = '';
      return piece;
    },
    /** No more records: what is left. */
    end(): string {
      line();
      return lines;
    },
  };
}
