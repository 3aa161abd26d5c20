import { PassThrough } from 'node:stream';
import type { RunResult } from '../ssh/host.ts';
import { type DigestAlgorithm, digestParser } from './digest.ts';
import { digestCommand } from './manifest-command.ts';
import { notUnderstood, type Tree } from './tree.ts';

/** One inode to read. */
export interface FileToRead {
  /** The name by which it is opened, relative. */
  readonly name: string;
  readonly size: number;
  /** All its names in the tree, where it has more than this one. */
  readonly names?: readonly string[];
}

export function namesOf(file: FileToRead): readonly string[] {
  return file.names ?? [file.name];
}

/** Readers per machine: more than cores, because they wait for the disk; tried cold on ext4 and xfs, 4 beat 2 by a tenth. */
export const readers = 4;
/** Names that one run of the digest tool is given. A bundle with fewer is filled up, so that it is read at once. */
const batch = 256;
const filler: FileToRead = { name: '/dev/null', size: 0 };
/** The filler that tells that a bundle was read. */
const last: FileToRead = { ...filler };
/** Below what xargs puts on one command line (128 KiB): a bundle is never split. */
const bundleNames = 64 * 1024;
/** So that no reader sits on the large files while the others have nothing to do. */
const bundleBytes = 64 * 1024 * 1024;
/** The one that is read, and the next. */
const bundlesPerReader = 2;

interface Reader {
  readonly stdin: PassThrough;
  readonly parser: ReturnType<typeof digestParser<FileToRead>>;
  readonly ended: Promise<RunResult>;
  waiting: number;
}

function argumentsOf(files: readonly FileToRead[]): string {
  let text = '';
  for (const { name } of files) text += name.startsWith('/') ? `${name}\0` : `./${name}\0`;
  return text;
}

/** Several digest tools at once on the machine of a tree; files are handed to whichever has room. */
export interface Readers {
  /** undefined: there is room for more. */
  read(file: FileToRead): Promise<void> | undefined;
  /** No more files. @returns how each reader ended */
  end(): Promise<RunResult[]>;
}

export function startReaders(
  tree: Tree,
  algorithm: DigestAlgorithm,
  on: {
    readonly digest: (file: FileToRead, digest: string) => void;
    /** The file was not read: the tool's complaint is in a result of `end`. */
    readonly skipped: (file: FileToRead) => void;
  },
  signal: AbortSignal,
): Readers {
  const all: Reader[] = [];
  let bundle: FileToRead[] = [];
  let nameBytes = 0;
  let fileBytes = 0;
  let wake: () => void = () => {};
  let failure: unknown;

  function start(): Reader {
    const stdin = new PassThrough();
    const isFiller = (file: FileToRead): boolean => {
      if (file === last) {
        reader.waiting -= 1;
        wake();
      }
      return file === last || file === filler;
    };
    const parser = digestParser<FileToRead>(algorithm, {
      digest: (file, digest) => {
        if (!isFiller(file)) on.digest(file, digest);
      },
      skipped: (file) => {
        if (!isFiller(file)) on.skipped(file);
      },
    });
    const understood = (unknown: readonly string[]) => {
      if (unknown.length > 0) throw notUnderstood(tree, 'the digest tool', unknown[0] as string);
    };
    const run = async (): Promise<RunResult> => {
      const result = await tree.host.run(digestCommand(tree.path, algorithm, batch), {
        stdin,
        onStdout: (chunk) => {
          parser.push(chunk);
          understood(parser.unknown);
        },
        signal,
      });
      understood(parser.end());
      return result;
    };
    const ended = run();
    ended.then(
      // A reader ends before its input only when it could not go on.
      () => {
        if (!stdin.writableEnded) failure ??= new Error('a reader ended early');
        wake();
      },
      (error: unknown) => {
        failure ??= error;
        wake();
      },
    );
    const reader: Reader = { stdin, parser, ended, waiting: 0 };
    all.push(reader);
    return reader;
  }

  async function dispatch(): Promise<void> {
    const files = bundle;
    bundle = [];
    nameBytes = 0;
    fileBytes = 0;
    while (files.length < batch - 1) files.push(filler);
    files.push(last);
    for (;;) {
      // `end` tells what the reader itself complained of.
      if (failure !== undefined) return;
      const free = all.find((reader) => reader.waiting === 0) ?? (all.length < readers ? start() : undefined);
      const reader = free ?? all.find(({ waiting }) => waiting < bundlesPerReader);
      if (reader !== undefined) {
        reader.waiting += 1;
        reader.parser.expect(files);
        reader.stdin.write(Buffer.from(argumentsOf(files), 'latin1'));
        return;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    read(file) {
      bundle.push(file);
      nameBytes += file.name.length + 3;
      fileBytes += file.size;
      // One place is kept for the filler that tells that the bundle was read.
      if (bundle.length < batch - 1 && nameBytes < bundleNames - 4096 && fileBytes < bundleBytes)
        return undefined;
      return dispatch();
    },
    async end() {
      if (bundle.length > 0) await dispatch();
      for (const { stdin } of all) stdin.end();
      return Promise.all(all.map(({ ended }) => ended));
    },
  };
}
