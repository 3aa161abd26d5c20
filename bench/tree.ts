import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomNumbers } from '../test/support/random-tree.ts';

export interface TreeSize {
  readonly files: number;
  readonly bytes: number;
}

const filesPerFolder = 100;

const nameOf = (index: number) =>
  join(`d${Math.floor(index / filesPerFolder / 10)}`, `d${Math.floor(index / filesPerFolder)}`, `f${index}`);

/** Files as containers leave them: many small ones, a few large ones, hard links, some extended attributes. */
export function fillTree(root: string, { files, bytes }: TreeSize): void {
  const random = randomNumbers(1);
  const pool = randomBytes(4 * 1024 * 1024);
  const tagged: string[] = [];
  for (let index = 0; index < files; index += 1) {
    const path = join(root, nameOf(index));
    if (index % filesPerFolder === 0) mkdirSync(join(path, '..'), { recursive: true });
    if (index % 200 === 199) {
      linkSync(join(root, nameOf(index - 1)), path);
      continue;
    }
    // An exponential distribution around the mean.
    const size = Math.floor((bytes / files) * -Math.log((random(1_000_000) + 1) / 1_000_001));
    const start = random(pool.length - Math.min(size, pool.length - 1));
    writeFileSync(path, pool.subarray(start, start + size));
    if (index % 100 === 0) tagged.push(path);
  }
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'bench', ...tagged]);
}

/** What a few minutes of use leave: files rewritten in the same size, grown, new and gone. Returns how many. */
export function changeTree(root: string, files: number, share: number, seed: number): number {
  const random = randomNumbers(seed);
  const count = Math.max(4, Math.round(files * share));
  for (let turn = 0; turn < count; turn += 1) {
    // The first file of a folder stays, so that a removed one is not appended to twice.
    const path = join(root, nameOf(random(files)));
    if (turn % 4 === 0) rmSync(path, { force: true });
    else if (turn % 4 === 1) writeFileSync(`${path}.new${seed}`, randomBytes(4000));
    else if (turn % 4 === 2) writeFileSync(path, randomBytes(15_000));
    else appendFileSync(path, randomBytes(500));
  }
  return count;
}
