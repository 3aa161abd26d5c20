import { recordOf, splitRecord } from './join.ts';
import { attributeParser, type Entry, parseFields } from './manifest.ts';
import {
  attributesCommand,
  deviceCommand,
  longAttributesCommand,
  longestName,
  metadataCommand,
} from './manifest-command.ts';
import { attributesJson } from './manifest-line.ts';
import { nulRecords } from './records.ts';
import type { Sorter } from './sort.ts';
import { notUnderstood, onlyVanished, type Tree, unreadable } from './tree.ts';

/** Long names are rare; a handful of tests per find stays well below ARG_MAX. */
const inodesPerFind = 500;

export interface Listed {
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
  /** Names too long to be opened, by their inode. */
  readonly long: ReadonlyMap<string, readonly string[]>;
}

/** Lists a tree: find's records go to `into` as they are. @throws verify/unreadable when a directory could not be walked */
export async function listTree(
  tree: Tree,
  into: Sorter,
  live: boolean,
  signal: AbortSignal,
  on: {
    readonly onFile: (path: string, entry: Entry) => void;
    readonly onDevice: (path: string, number: string) => void;
    /** Where the files go has no room: resolves when it has. */
    readonly room: () => Promise<void> | undefined;
  },
): Promise<Listed> {
  const long = new Map<string, string[]>();
  const devices = new Map<string, string[]>();
  let entries = 0;
  let files = 0;
  let bytes = 0;
  const note = (map: Map<string, string[]>, inode: string, path: string) => {
    const paths = map.get(inode);
    if (paths === undefined) map.set(inode, [path]);
    else paths.push(path);
  };
  const parser = nulRecords((record) => {
    const { path, kind, value } = splitRecord(record);
    if (kind !== '0') throw notUnderstood(tree, 'find', record);
    entries += 1;
    const type = value.charAt(0);
    const isDevice = type === 'b' || type === 'c';
    if (type !== 'f' && !isDevice && path.length <= longestName) return;
    const entry = parseFields(value);
    if (entry === undefined) throw notUnderstood(tree, 'find', record);
    if (path.length > longestName) note(long, entry.inode, path);
    if (isDevice) note(devices, entry.inode, path);
    if (type !== 'f') return;
    files += 1;
    bytes += entry.size;
    on.onFile(path, entry);
  });
  const result = await tree.host.run(metadataCommand(tree.path, tree.exclude), {
    onStdout: async (chunk) => {
      into.pushRaw(chunk);
      parser.push(chunk);
      await into.room();
      await on.room();
    },
    signal,
  });
  const vanished = live && entries > 0 && result.exitCode === 1 && onlyVanished(result.stderr, 'find');
  if (result.exitCode !== 0 && !vanished) throw unreadable(tree, 'The directories', result);
  if (parser.rest() !== '') throw notUnderstood(tree, 'find', parser.rest());
  if (devices.size > 0) await readDevices(tree, devices, live, signal, on.onDevice);
  return { entries, files, bytes, long };
}

async function readDevices(
  tree: Tree,
  devices: ReadonlyMap<string, readonly string[]>,
  live: boolean,
  signal: AbortSignal,
  onDevice: (path: string, number: string) => void,
): Promise<void> {
  const numbers = new Map<string, string>();
  const parser = nulRecords((record) => {
    const [inode, number] = record.split(' ');
    numbers.set(inode as string, number as string);
  });
  const result = await tree.host.run(deviceCommand(tree.path, tree.exclude), {
    onStdout: parser.push,
    signal,
  });
  if (result.exitCode !== 0 && !live) throw unreadable(tree, 'The device nodes', result);
  for (const [inode, paths] of devices) {
    const number = numbers.get(inode);
    if (number !== undefined) for (const path of paths) onDevice(path, number);
    else if (!live) throw notUnderstood(tree, 'stat', `no device number for inode ${inode}`);
  }
}

/** ACLs, xattrs and capabilities of a whole tree, as records into `into`. */
export function readTreeAttributes(tree: Tree, into: Sorter, live: boolean, signal: AbortSignal) {
  const read = async (argv: readonly string[], pathsOf: (name: string) => readonly string[]) => {
    const parser = attributeParser((name, attributes) => {
      const json = attributesJson(attributes);
      for (const path of pathsOf(name)) into.push(recordOf(path, 'attributes', json));
    });
    const result = await tree.host.run(argv, {
      onStdout: (chunk) => {
        parser.push(chunk);
        return into.room();
      },
      signal,
    });
    // xargs ends with 123 when a run of its command failed.
    const vanished = live && result.exitCode === 123 && onlyVanished(result.stderr, 'getfattr');
    if (result.exitCode !== 0 && !vanished) throw unreadable(tree, 'The extended attributes', result);
    const rest = parser.end() || parser.unknown[0];
    if (rest !== undefined && rest !== '') throw notUnderstood(tree, 'getfattr', rest);
  };
  return {
    whole: read(attributesCommand(tree.path, tree.exclude), (name) => [
      name === '.' ? '' : name.replace(/^\.\//, ''),
    ]),
    /** Those of the names that are too long for it. */
    async ofLong(long: Listed['long']): Promise<void> {
      const inodes = [...long.keys()];
      for (let at = 0; at < inodes.length; at += inodesPerFind) {
        await read(
          longAttributesCommand(tree.path, inodes.slice(at, at + inodesPerFind)),
          (inode) => long.get(inode) ?? [],
        );
      }
    },
  };
}
