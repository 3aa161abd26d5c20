import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { randomNumbers } from '../../test/support/random-tree.ts';
import { type GeneratedTree, onPaths } from './fill.ts';

/** Pages that a database writes into one of its files between two looks. */
const pagesWritten = 24;

/**
 * What a few minutes of use leave: `count` entries written by databases, rewritten in their size, grown, new, gone,
 * renamed, with another mode, xattr or ACL, hard-linked elsewhere; and one directory renamed with all its files, which count too.
 * @param seed another one for each call on one tree.
 * @returns how many entries changed, at least `count`.
 */
export function changeTree(tree: GeneratedTree, count: number, seed: number): number {
  const random = randomNumbers(1000 + seed);
  const at = (path: string) => join(tree.root, path);
  let changed = writeDatabases(tree, random);
  changed += renameFolder(tree, random, seed);
  const xattr: string[] = [];
  const acl: string[] = [];
  // Each file is changed once: picked from the list, and put back at the end.
  const picked: string[] = [];
  for (; changed < count; changed += 1) {
    const path = takeOne(tree.plain, random);
    const turn = changed % 20;
    let kept: string | undefined = path;
    if (turn < 8) writeFileSync(at(path), randomBytes(statSync(at(path)).size));
    else if (turn < 12) appendFileSync(at(path), randomBytes(500));
    else if (turn < 15) {
      const fresh = `${dirname(path)}/new${seed}-${changed}`;
      writeFileSync(at(fresh), randomBytes(4000));
      picked.push(fresh);
    } else if (turn < 16) {
      rmSync(at(path));
      kept = undefined;
    } else if (turn === 16) {
      kept = `${dirname(path)}/moved${seed}-${changed}`;
      renameSync(at(path), at(kept));
    } else if (turn === 17) chmodSync(at(path), 0o600 + random(8));
    else if (turn === 18) (changed % 40 < 20 ? xattr : acl).push(path);
    else {
      mkdirSync(at('apps/linked'), { recursive: true });
      linkSync(at(path), at(`apps/linked/${seed}-${changed}`));
      kept = undefined;
    }
    if (kept !== undefined) picked.push(kept);
  }
  onPaths(tree.root, ['setfattr', '-n', `user.run${seed}`, '-v', 'x', '--'], xattr);
  onPaths(tree.root, ['setfacl', '-m', `u:${3000 + seed}:r`, '--'], acl);
  tree.plain.push(...picked);
  return changed;
}

/** Takes one out; the last takes its place. */
function takeOne(from: string[], random: (below: number) => number): string {
  const index = random(from.length);
  const taken = from[index];
  const last = from.pop();
  if (taken === undefined || last === undefined)
    throw new RangeError('The tree is too small for so many changes.');
  if (index < from.length) from[index] = last;
  return taken;
}

function writeDatabases({ root, databases }: GeneratedTree, random: (below: number) => number): number {
  for (const path of databases.paged) {
    const file = openSync(join(root, path), 'r+');
    try {
      const pages = Math.max(1, Math.floor(fstatSync(file).size / 8192));
      for (let page = 0; page < Math.min(pagesWritten, pages); page += 1)
        writeSync(file, randomBytes(8192), 0, 8192, random(pages) * 8192);
    } finally {
      closeSync(file);
    }
  }
  for (const path of databases.appended) appendFileSync(join(root, path), randomBytes(50_000));
  return databases.paged.length + databases.appended.length;
}

function renameFolder(tree: GeneratedTree, random: (below: number) => number, seed: number): number {
  const folder = dirname(tree.plain[random(tree.plain.length)] as string);
  const renamed = `${dirname(folder)}/renamed${seed}`;
  renameSync(join(tree.root, folder), join(tree.root, renamed));
  let inside = 1;
  tree.plain = tree.plain.map((path) => {
    if (!path.startsWith(`${folder}/`)) return path;
    inside += 1;
    return renamed + path.slice(folder.length);
  });
  return inside;
}
