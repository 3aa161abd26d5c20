import type { DigestAlgorithm } from './digest.ts';
import type { Entry } from './manifest.ts';
import { longDigestCommand, longestName } from './manifest-command.ts';
import { type FileToRead, namesOf, startReaders } from './read-contents.ts';
import { readListed } from './read-listed.ts';
import { startSorter } from './sort.ts';
import { notUnderstood, type Tree, unreadable } from './tree.ts';

/** The files that are to be read, kept by sort(1): in the order of their inodes, all names of an inode together. */
export interface ToRead {
  add(path: string, entry: Entry): void;
  room(): Promise<void> | undefined;
  /** Names that were added, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Hands out each inode once. `onBatch` is awaited now and then. */
  each(onFile: (file: FileToRead, inode: () => string) => void, onBatch: () => Promise<void>): Promise<void>;
}

export function startQueue(scratch: string, signal: AbortSignal): ToRead {
  const sorter = startSorter(scratch, signal);
  let files = 0;
  let bytes = 0;
  return {
    add(path, { inode, size }) {
      const [device, number] = inode.split(':') as [string, string];
      sorter.push(`${device} ${number.padStart(20, '0')} ${size} ${path}\0`);
      files += 1;
      bytes += size;
    },
    room: sorter.room,
    get files() {
      return files;
    },
    get bytes() {
      return bytes;
    },
    async each(onFile, onBatch) {
      let device = '';
      let number = '';
      let size = 0;
      let paths: string[] = [];
      const done = () => {
        if (paths.length === 0) return;
        const name = paths.find((path) => path.length <= longestName) ?? (paths[0] as string);
        const file = paths.length === 1 ? { name, size } : { name, size, names: paths };
        onFile(file, () => `${device}:${number.replace(/^0+(?=.)/, '')}`);
      };
      await sorter.sorted((record) => {
        const first = record.indexOf(' ');
        const second = first + 21;
        const third = record.indexOf(' ', second + 1);
        const path = record.slice(third + 1);
        if (record.startsWith(number, first + 1) && record.slice(0, first) === device && number !== '') {
          paths.push(path);
          return;
        }
        done();
        device = record.slice(0, first);
        number = record.slice(first + 1, second);
        size = Number(record.slice(second + 1, third));
        paths = [path];
      }, onBatch);
      done();
    },
  };
}

/** Long names are rare; a handful of tests per find stays well below ARG_MAX. */
const inodesPerFind = 500;

/**
 * Reads what is in the queue.
 * @param live what vanished has no digest; what is there and cannot be read is an error even so
 * @throws verify/unreadable, verify/unreadable-output
 */
export async function readQueue(
  tree: Tree,
  algorithm: DigestAlgorithm,
  queue: ToRead,
  live: boolean,
  signal: AbortSignal,
  onDigest: (file: FileToRead, digest: string) => void,
): Promise<void> {
  const skipped: FileToRead[] = [];
  const long = new Map<string, FileToRead>();
  const readers = startReaders(
    tree,
    algorithm,
    { digest: onDigest, skipped: (file) => skipped.push(file) },
    signal,
  );
  let waiting: FileToRead[] = [];
  const read = async () => {
    const files = waiting;
    waiting = [];
    for (const file of files) {
      const room = readers.read(file);
      if (room !== undefined) await room;
    }
  };
  await queue.each((file, inode) => {
    if (file.name.length > longestName) long.set(inode(), file);
    else waiting.push(file);
  }, read);
  await read();
  const ends = await readers.end();
  await readLong(tree, algorithm, long, signal, onDigest);
  const bad = ends.find(({ exitCode }) => exitCode !== 0);
  if (bad === undefined && skipped.length === 0) return;
  // xargs ends with 123 when a run of its command failed: some files could not be read.
  const complaint = bad ?? { exitCode: 0, stderr: Buffer.from(`nothing for ${skipped[0]?.name}`, 'latin1') };
  if (!live || ends.some(({ exitCode }) => exitCode !== 0 && exitCode !== 123))
    throw unreadable(tree, 'The contents', complaint);
  const names = skipped.flatMap(namesOf);
  const { entries } = await readListed(tree, names, algorithm, { signal });
  for (const entry of entries.values()) {
    if (entry.type === 'f' && entry.digest === undefined) throw unreadable(tree, 'The contents', complaint);
  }
}

async function readLong(
  tree: Tree,
  algorithm: DigestAlgorithm,
  long: Map<string, FileToRead>,
  signal: AbortSignal,
  onDigest: (file: FileToRead, digest: string) => void,
): Promise<void> {
  const inodes = [...long.keys()];
  for (let at = 0; at < inodes.length; at += inodesPerFind) {
    const command = longDigestCommand(tree.path, algorithm, inodes.slice(at, at + inodesPerFind));
    const result = await tree.host.run(command, { signal });
    if (result.exitCode !== 0) throw unreadable(tree, 'The contents', result);
    for (const line of result.stdout.toString('latin1').split('\n').slice(0, -1)) {
      const found = /^(\d+:\d+) ([0-9a-f]+) [ *]/.exec(line);
      if (found === null) throw notUnderstood(tree, 'the digest tool', line);
      const file = long.get(found[1] as string);
      if (file === undefined) continue;
      long.delete(found[1] as string);
      onDigest(file, found[2] as string);
    }
  }
}
