import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinText } from 'node:path';
import { join, list, oddNames, onPaths, randomNumbers } from './random-tree.ts';

interface Change {
  readonly random: (below: number) => number;
  readonly root: Buffer;
  /** A regular file, and another (perhaps the same). */
  readonly file: Buffer;
  readonly other: Buffer;
  /** Directories, perhaps the root. */
  readonly folder: Buffer;
  /** Directories below the root that are not in each other; absent where there are none. */
  readonly pair: readonly [Buffer, Buffer] | undefined;
  /** A path that is free, in another directory. */
  readonly fresh: Buffer;
  readonly entry: Buffer;
}

const below = (path: Buffer, above: Buffer) =>
  path.toString('latin1').startsWith(`${above.toString('latin1')}/`) || path.equals(above);

/** Keeps the times of a path as they were. */
function quietly(path: Buffer, act: () => void): void {
  const { atime, mtime } = lstatSync(path);
  act();
  lutimesSync(path, atime, mtime);
}

function exchange(left: Buffer, right: Buffer, spare: Buffer): void {
  renameSync(left, spare);
  renameSync(right, left);
  renameSync(spare, right);
}

let socketFolder: string | undefined;
/** A socket whose process is gone, to be copied: mknod(1) makes none. */
function deadSocket(): string {
  if (socketFolder === undefined) {
    const made = mkdtempSync(joinText(tmpdir(), 'drayage-socket-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    const script = `require('node:net').createServer().listen('s', () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script], { cwd: made });
    socketFolder = made;
  }
  return joinText(socketFolder, 's');
}

/** Stores through a shared mapping: no write call. */
function storeByMapping(path: Buffer, byte: number): void {
  const { size } = lstatSync(path);
  if (size === 0) return;
  const commands = ['-c', `mmap -rw 0 ${size}`, '-c', `mwrite -S ${byte} 0 ${Math.min(size, 100)}`];
  onPaths(['xfs_io', ...commands], [path]);
}

/** What happens to files and directories in use, each by its name. */
const changes: Readonly<Record<string, (change: Change) => void>> = {
  append: ({ file }) => appendFileSync(file, 'more'),
  create: ({ fresh, random }) => writeFileSync(fresh, Buffer.alloc(random(3000), random(256))),
  remove: ({ file }) => rmSync(file),
  'rename a file': ({ file, fresh }) => renameSync(file, fresh),
  'exchange two files': ({ file, other, fresh }) => {
    if (!file.equals(other)) exchange(file, other, fresh);
  },
  'add a hard link': ({ file, fresh }) => linkSync(file, fresh),
  'remove a hard link': ({ root }) => {
    const linked = list(root.toString('latin1')).files.find((path) => lstatSync(path).nlink > 1);
    if (linked !== undefined) rmSync(linked);
  },
  'put a copy in the place of a hard link': ({ root, fresh }) => {
    const linked = list(root.toString('latin1')).files.find((path) => lstatSync(path).nlink > 1);
    if (linked === undefined) return;
    onPaths(['sh', '-c', 'cp -p -- "$2" "$1" && mv -- "$1" "$2"', 'sh'], [fresh, linked]);
  },
  mode: ({ file, random }) => chmodSync(file, [0, 0o640, 0o4755, 0o2711, 0o1600][random(5)] as number),
  owner: ({ file, random }) => chownSync(file, random(70_000), random(70_000)),
  'owner of anything': ({ entry, random }) => lchownSync(entry, random(70_000), random(70_000)),
  'mode of a directory': ({ folder, random }) => chmodSync(folder, 0o700 + random(0o100)),
  xattr: ({ file, random }) => onPaths(['setfattr', '-n', `user.c${random(3)}`, '-v', 'x', '--'], [file]),
  'xattr of a directory': ({ folder, random }) =>
    onPaths(['setfattr', '-n', `user.d${random(3)}`, '-v', 'x', '--'], [folder]),
  capability: ({ file }) =>
    onPaths(['setfattr', '-n', 'security.capability', '-v', '0sAQAAAgAgAAAAAAAAAAAAAAAAAAA=', '--'], [file]),
  acl: ({ file, random }) => onPaths(['setfacl', '-m', `u:${3000 + random(9)}:rw`, '--'], [file]),
  'default acl': ({ folder, random }) =>
    onPaths(['setfacl', '-d', '-m', `g:${3000 + random(9)}:rx`, '--'], [folder]),
  'no acl': ({ file, folder }) => onPaths(['setfacl', '-b', '--'], [file, folder]),
  'time of a directory': ({ folder, random }) => lutimesSync(folder, 1, 1_500_000_000 + random(1e8)),
  'rename a directory': ({ pair, fresh }) => {
    if (pair !== undefined && !below(fresh, pair[0])) renameSync(pair[0], fresh);
  },
  'exchange two directories': ({ pair, root }) => {
    if (pair !== undefined) exchange(pair[0], pair[1], join(root, Buffer.from('spare')));
  },
  'put a directory in the place of another': ({ pair }) => {
    if (pair === undefined) return;
    rmSync(pair[0], { recursive: true });
    renameSync(pair[1], pair[0]);
  },
  'make a directory anew': ({ pair, random }) => {
    if (pair === undefined) return;
    rmSync(pair[0], { recursive: true });
    mkdirSync(pair[0]);
    if (random(2) === 0) writeFileSync(join(pair[0], Buffer.from('again')), 'x');
  },
  'remove a directory': ({ pair, random }) => {
    if (pair !== undefined && random(3) === 0) rmSync(pair[0], { recursive: true });
  },
  'make a directory': ({ fresh }) => mkdirSync(fresh),
  'a file becomes a directory': ({ file }) => {
    rmSync(file);
    mkdirSync(file);
    writeFileSync(join(file, Buffer.from('inside')), 'x');
  },
  'a directory becomes a file': ({ pair }) => {
    if (pair === undefined) return;
    rmSync(pair[0], { recursive: true });
    writeFileSync(pair[0], 'was a directory');
  },
  'a directory becomes a link to another': ({ pair }) => {
    if (pair === undefined) return;
    rmSync(pair[0], { recursive: true });
    // XFS keeps at most 1,024 bytes.
    symlinkSync(pair[1].subarray(0, 1000), pair[0]);
  },
  'a link becomes a directory': ({ root }) => {
    const link = list(root.toString('latin1')).all.find((path) => lstatSync(path).isSymbolicLink());
    if (link === undefined) return;
    rmSync(link);
    mkdirSync(link);
    writeFileSync(join(link, Buffer.from('inside')), 'x');
  },
  'replace by equal size and time': ({ file, fresh, random }) => {
    const { size, atime, mtime } = lstatSync(file);
    writeFileSync(fresh, Buffer.alloc(size, random(256)));
    lutimesSync(fresh, atime, mtime);
    renameSync(fresh, file);
  },
  'write in place and set the time back': ({ file, random }) =>
    quietly(file, () => {
      const { size } = lstatSync(file);
      writeFileSync(file, Buffer.alloc(size, random(256)));
    }),
  'store through a mapping': ({ file, random }) => storeByMapping(file, random(256)),
  'end with a hole': ({ file, random }) => truncateSync(file, lstatSync(file).size + random(200_000)),
  'punch a hole': ({ file }) => onPaths(['fallocate', '-p', '-o', '0', '-l', '4096', '--'], [file]),
  special: ({ fresh, random }) => {
    if (random(3) === 0) onPaths(['mkfifo', '--'], [fresh]);
    else if (random(2) === 0)
      onPaths(['sh', '-c', 'mknod -- "$3" "$1" 5 "$2"', 'sh', random(2) ? 'c' : 'b', '7'], [fresh]);
    else onPaths(['cp', '-a', '--', deadSocket()], [fresh]);
  },
  'a file becomes special': ({ file }) => {
    rmSync(file);
    onPaths(['mkfifo', '--'], [file]);
  },
  'a new link': ({ fresh, random }) => symlinkSync(oddNames[random(oddNames.length)] as Buffer, fresh),
  'a name of 255 bytes': ({ folder, random }) =>
    writeFileSync(join(folder, Buffer.from(String(random(10)).repeat(255))), 'x'),
};

/** What a path that grew too long, or a place that was taken meanwhile, is answered with: that change does not happen. */
const impossible = new Set(['ENAMETOOLONG', 'EEXIST', 'ENOTEMPTY', 'EISDIR', 'EINVAL', 'ENOENT', 'EPERM']);

/** What happens to a tree while it is in use: everything that a second pass must carry. Returns what was done. */
export function changeTree(root: string, seed: number, count = 40): string[] {
  const random = randomNumbers(seed);
  const names = Object.keys(changes);
  const done: string[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const { files, folders, all } = list(root);
    if (files.length === 0) return done;
    const pick = (from: readonly Buffer[]) => from[random(from.length)] as Buffer;
    const one = pick(folders);
    const two = pick(folders);
    const apart = !below(one, two) && !below(two, one);
    const odd = oddNames[random(oddNames.length)] as Buffer;
    const fresh = join(pick(folders), Buffer.concat([odd, Buffer.from(`.${seed}-${turn}`)]));
    const name = names[random(names.length)] as string;
    const act = changes[name] as (change: Change) => void;
    if (existsSync(fresh)) continue;
    const pair = apart ? ([one, two] as const) : undefined;
    const [file, other, folder, entry] = [pick(files), pick(files), pick(folders), pick(all)];
    try {
      act({ random, root: Buffer.from(root), file, other, folder, pair, fresh, entry });
      done.push(name);
    } catch (error) {
      const { code, status } = error as { code?: string; status?: number };
      if (status === undefined && !impossible.has(code ?? '')) throw error;
      done.push(`${name}: not possible`);
    }
  }
  return done;
}
