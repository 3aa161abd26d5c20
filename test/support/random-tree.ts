import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

/** Names of any bytes: spaces, quotes, newlines, wildcards, options, invalid UTF-8, what tools escape. */
export const oddNames = [
  'plain',
  'two words',
  'new\nline',
  'tab\tand\rreturn',
  'quote\'"',
  '$(touch no)`x`',
  '-rf',
  '--delete',
  'star*?[a]',
  'back\\slash\\#012',
  'é'.normalize('NFC'),
  'e\u0301',
  '\xff\xfe',
  'equals=1',
  '# file: x',
  '.hidden',
  'trailing ',
  'a -> b',
].map((name) => (name.includes('\xff') ? Buffer.from(name, 'latin1') : Buffer.from(name, 'utf8')));

/** A small generator of numbers that gives the same ones for the same seed (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export function join(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), name]);
}

/** Runs a tool on paths of any bytes. */
export function onPaths(command: readonly string[], paths: readonly Buffer[]): void {
  if (paths.length === 0) return;
  const input = Buffer.concat(paths.map((path) => Buffer.concat([path, Buffer.from([0])])));
  execFileSync('xargs', ['-0', ...command], { input, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Every path below, as bytes; directories include the root. */
export function list(root: string): { files: Buffer[]; folders: Buffer[]; all: Buffer[] } {
  const files: Buffer[] = [];
  const folders: Buffer[] = [Buffer.from(root)];
  const all: Buffer[] = [];
  for (let index = 0; index < folders.length; index += 1) {
    const folder = folders[index] as Buffer;
    for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })) {
      const path = join(folder, entry.name as unknown as Buffer);
      all.push(path);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) files.push(path);
    }
  }
  return { files, folders, all };
}

/** Fills a directory with what real trees have and tools forget. */
export function makeTree(root: string, seed: number): void {
  const random = randomNumbers(seed);
  mkdirSync(root, { recursive: true });
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
  const folders: Buffer[] = [Buffer.from(root)];
  for (let count = 0; count < 12; count += 1) {
    const above = pick(folders);
    const odd = pick(oddNames);
    // Every other one has a name that a second walk may begin at.
    const path = join(
      above,
      Buffer.concat([count % 2 === 0 ? Buffer.from('dir') : odd, Buffer.from(`.d${count}`)]),
    );
    mkdirSync(path);
    folders.push(path);
  }
  const files: Buffer[] = [];
  for (let count = 0; count < 60; count += 1) {
    const path = join(pick(folders), Buffer.concat([pick(oddNames), Buffer.from(String(count))]));
    writeFileSync(path, Buffer.alloc(random(5000), random(256)));
    files.push(path);
  }
  for (const name of oddNames) writeFileSync(join(Buffer.from(root), name), name);
  const sparse = openSync(`${root}/sparse`, 'w');
  writeSync(sparse, 'begin');
  ftruncateSync(sparse, 3_000_000);
  closeSync(sparse);
  for (let count = 0; count < 8; count += 1) {
    linkSync(pick(files), join(pick(folders), Buffer.from(`hard${count}`)));
    symlinkSync(pick(oddNames), join(pick(folders), Buffer.from(`soft${count}`)));
  }
  writeFileSync(join(pick(folders), Buffer.from('n'.repeat(255))), 'a long name');
  if (random(8) === 0) makeDeep(root);
  execFileSync('mkfifo', ['--', `${root}/fifo`]);
  execFileSync('mknod', ['--', `${root}/null`, 'c', '1', '3']);
  execFileSync('mknod', ['--', `${root}/loop`, 'b', '7', '200']);
  attributes(files, folders, random);
  metadata(root, files, folders, random);
}

/** A file whose path below the root has 4,000 bytes. */
function makeDeep(root: string): void {
  let path = `${root}/deep`;
  while (path.length - root.length + 201 < 3900) path += `/${'d'.repeat(200)}`;
  mkdirSync(path, { recursive: true });
  writeFileSync(`${path}/${'f'.repeat(4000 - (path.length - root.length))}`, 'far down');
}

function some<T>(from: readonly T[], count: number, random: (below: number) => number): T[] {
  return Array.from({ length: count }, () => from[random(from.length)] as T);
}

function attributes(
  files: readonly Buffer[],
  folders: readonly Buffer[],
  random: (below: number) => number,
): void {
  onPaths(['setfattr', '-n', 'user.note', '-v', `v${random(100)}`, '--'], some(files, 5, random));
  onPaths(['setfattr', '-n', 'trusted.odd=name', '-v', '0sAP8K', '--'], some(folders, 2, random));
  onPaths(
    ['setfattr', '-n', 'security.capability', '-v', '0sAQAAAgAgAAAAAAAAAAAAAAAAAAA=', '--'],
    some(files, 2, random),
  );
  onPaths(['setfacl', '-m', `u:${2000 + random(10)}:rwx,g:33:r`, '--'], some(files, 5, random));
  onPaths(['setfacl', '-d', '-m', `u:${2000 + random(10)}:rx`, '--'], some(folders, 3, random));
}

function metadata(
  root: string,
  files: readonly Buffer[],
  folders: readonly Buffer[],
  random: (below: number) => number,
): void {
  for (const path of some(files, 20, random)) {
    chownSync(path, 100_000 + random(1000), random(1000));
    chmodSync(path, [0o600, 0o644, 0o755, 0o4755, 0o2640, 0][random(6)] as number);
  }
  for (const path of some(folders, 6, random)) {
    chownSync(path, random(2000), 100);
    chmodSync(path, [0o700, 0o1777, 0o2755][random(3)] as number);
  }
  for (const path of list(root).all) {
    const time = 1_600_000_000 + random(100_000_000) + random(1000) / 1000;
    lutimesSync(path, time, time);
  }
}
