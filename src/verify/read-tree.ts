import { Readable } from 'node:stream';
import type { Host, RunResult } from '../ssh/host.ts';
import { verifyError } from './errors.ts';
import { attributeParser, type Entry, type Manifest, parseFields } from './manifest.ts';
import {
  attributesCommand,
  deviceCommand,
  digestCommand,
  longAttributesCommand,
  longDigestCommand,
  metadataCommand,
} from './manifest-command.ts';
import { printableName } from './name.ts';
import { nulList, nulRecords } from './records.ts';

/** A tree on a machine. `path` is absolute. */
export interface Tree {
  readonly host: Host;
  readonly path: string;
  /** Relative to the path; neither walked nor compared. */
  readonly exclude: readonly string[];
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Called as contents are read. */
  readonly onRead?: (files: number, bytes: number) => void;
}

/** PATH_MAX is 4096 with the ending NUL; `./` goes before each name. */
const longestName = 4000;
/** Two readers per machine keep its disk and its cores busy, and leave the other core to what else runs there. */
const readers = 2;
/** Long names are rare; a handful of tests per find stays well below ARG_MAX. */
const inodesPerFind = 500;

function failed(tree: Tree, what: string, result: RunResult): Error {
  const said = result.stderr.toString('utf8').trim().split('\n').slice(0, 20).join('\n');
  return verifyError('verify/unreadable', {
    seen: `${what} of ${tree.path} on ${tree.host.name} could not be read (exit code ${result.exitCode}): ${said}`,
    next: [`ssh ${tree.host.name} ls -la ${tree.path}`],
  });
}

function notUnderstood(tree: Tree, tool: string, seen: string): Error {
  return verifyError('verify/unreadable-output', {
    seen: `${tool} on ${tree.host.name} printed: ${printableName(seen.slice(0, 300))}`,
    next: [`ssh ${tree.host.name} ${tool} --version`],
  });
}

async function stream(
  tree: Tree,
  argv: readonly string[],
  push: (chunk: Buffer) => void,
  options: ReadOptions,
  names?: Iterable<string>,
): Promise<RunResult> {
  const result = await tree.host.run(argv, {
    onStdout: push,
    ...(names === undefined ? {} : { stdin: Readable.from(nulList(names)) }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  push(result.stdout);
  return result;
}

/** Every entry of the tree with its metadata. @throws verify/unreadable when a directory could not be walked. */
export async function readMetadata(tree: Tree, options: ReadOptions = {}): Promise<Manifest> {
  const entries = new Map<string, Entry>();
  let devices = false;
  let fields: Omit<Entry, 'link'> | undefined;
  let path: string | undefined;
  const parser = nulRecords((record) => {
    if (fields === undefined) {
      fields = parseFields(record);
      if (fields === undefined) throw notUnderstood(tree, 'find', record);
    } else if (path === undefined) {
      path = record;
    } else {
      devices ||= fields.type === 'b' || fields.type === 'c';
      entries.set(path, fields.type === 'l' ? { ...fields, link: record } : fields);
      fields = undefined;
      path = undefined;
    }
  });
  const result = await stream(tree, metadataCommand(tree.path, tree.exclude), parser.push, options);
  if (result.exitCode !== 0) throw failed(tree, 'The directories', result);
  if (parser.rest() !== '' || fields !== undefined) throw notUnderstood(tree, 'find', parser.rest());
  if (devices) await readDevices(tree, entries, options);
  return { entries, attributesKnown: false };
}

async function readDevices(tree: Tree, entries: Map<string, Entry>, options: ReadOptions): Promise<void> {
  const numbers = new Map<string, string>();
  const parser = nulRecords((record) => {
    const [inode, number] = record.split(' ');
    numbers.set(inode as string, number as string);
  });
  const result = await stream(tree, deviceCommand(tree.path, tree.exclude), parser.push, options);
  if (result.exitCode !== 0) throw failed(tree, 'The device nodes', result);
  for (const entry of entries.values()) {
    if (entry.type !== 'b' && entry.type !== 'c') continue;
    const number = numbers.get(entry.inode);
    if (number === undefined) throw notUnderstood(tree, 'stat', `no device number for inode ${entry.inode}`);
    entry.device = number;
  }
}

/** Reads the content of the regular files among `paths` into their entries. A file with several names is read once. */
export async function readDigests(
  tree: Tree,
  manifest: Manifest,
  paths: Iterable<string>,
  options: ReadOptions = {},
): Promise<void> {
  const byInode = new Map<string, string>();
  const digests = new Map<string, string>();
  const shards: string[][] = Array.from({ length: readers }, () => []);
  const long: string[] = [];
  const wanted: string[] = [];
  for (const path of paths) {
    const entry = manifest.entries.get(path);
    if (entry?.type !== 'f') continue;
    wanted.push(path);
    if (byInode.has(entry.inode)) continue;
    byInode.set(entry.inode, path);
    if (path.length > longestName) long.push(entry.inode);
    else (shards[byInode.size % readers] as string[]).push(path);
  }
  const got = (inode: string, digest: string) => {
    digests.set(inode, digest);
    options.onRead?.(1, manifest.entries.get(byInode.get(inode) as string)?.size ?? 0);
  };
  const readShard = async (names: readonly string[]) => {
    if (names.length === 0) return;
    const parser = nulRecords((record) => {
      const found = /^([0-9a-f]{64}) {2}\.\/(.*)$/s.exec(record);
      const inode = found === null ? undefined : manifest.entries.get(found[2] as string)?.inode;
      if (found === null || inode === undefined) throw notUnderstood(tree, 'sha256sum', record);
      got(inode, found[1] as string);
    });
    const dotted = names.map((name) => `./${name}`);
    const result = await stream(tree, digestCommand(tree.path), parser.push, options, dotted);
    if (result.exitCode !== 0) throw failed(tree, 'The contents', result);
  };
  await Promise.all(shards.map(readShard));
  for (let at = 0; at < long.length; at += inodesPerFind) {
    const parser = nulRecords((record) => {
      const found = /^(\d+:\d+) ([0-9a-f]{64}) {2}/.exec(record);
      if (found === null) throw notUnderstood(tree, 'sha256sum', record);
      if (byInode.has(found[1] as string)) got(found[1] as string, found[2] as string);
    });
    const command = longDigestCommand(tree.path, long.slice(at, at + inodesPerFind));
    const result = await stream(tree, command, parser.push, options);
    if (result.exitCode !== 0) throw failed(tree, 'The contents', result);
  }
  for (const path of wanted) {
    const entry = manifest.entries.get(path) as Entry;
    const digest = digests.get(entry.inode);
    if (digest === undefined) throw notUnderstood(tree, 'sha256sum', `nothing for ${path}`);
    entry.digest = digest;
  }
}

/** Reads ACLs, xattrs and capabilities of `paths` into their entries; leaves `attributesKnown` false without getfattr. */
export async function readAttributes(
  tree: Tree,
  manifest: Manifest,
  paths: Iterable<string>,
  options: ReadOptions = {},
): Promise<void> {
  const present = await tree.host.run(['sh', '-c', 'command -v getfattr']);
  if (present.exitCode !== 0) return;
  const short: string[] = [];
  const long = new Map<string, string[]>();
  for (const path of paths) {
    const entry = manifest.entries.get(path);
    if (entry === undefined) continue;
    if (path.length <= longestName) short.push(path === '' ? '.' : `./${path}`);
    else long.set(entry.inode, [...(long.get(entry.inode) ?? []), path]);
  }
  const read = async (
    argv: readonly string[],
    pathsOf: (name: string) => readonly string[],
    names?: Iterable<string>,
  ) => {
    const parser = attributeParser((name, attributes) => {
      for (const path of pathsOf(name)) {
        const entry = manifest.entries.get(path);
        if (entry === undefined) throw notUnderstood(tree, 'getfattr', name);
        entry.attributes = attributes;
      }
    });
    const result = await stream(tree, argv, parser.push, options, names);
    if (result.exitCode !== 0) throw failed(tree, 'The extended attributes', result);
    const rest = parser.end() || parser.unknown[0];
    if (rest !== undefined && rest !== '') throw notUnderstood(tree, 'getfattr', rest);
  };
  if (short.length > 0) await read(attributesCommand(tree.path), (name) => [name === '.' ? '' : name], short);
  const inodes = [...long.keys()];
  for (let at = 0; at < inodes.length; at += inodesPerFind) {
    await read(
      longAttributesCommand(tree.path, inodes.slice(at, at + inodesPerFind)),
      (name) => long.get(name) ?? [],
    );
  }
  manifest.attributesKnown = true;
}
