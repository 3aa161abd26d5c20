import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type FileSystem = 'ext4' | 'xfs' | 'btrfs';

/** A file system of its own on a loop device. */
export interface Place {
  readonly path: string;
  /** Unmounts and mounts again: names and inodes are read from the image once more. */
  remount(): void;
  /** Unmounts, which also gives the loop device back, and removes the image. */
  remove(): void;
}

/** @param bytes of the image, which is sparse. Throws when mkfs or mount fails, and leaves nothing. */
export function makePlace(kind: FileSystem, folder: string, bytes: number): Place {
  const image = join(folder, `${kind}.img`);
  const path = join(folder, kind);
  const run = (command: string, ...argv: string[]) => execFileSync(command, argv, { stdio: 'pipe' });
  const mount = () => run('mount', '-o', 'loop', image, path);
  mkdirSync(path);
  writeFileSync(image, '');
  truncateSync(image, bytes);
  run(`mkfs.${kind}`, '-q', image);
  mount();
  return {
    path,
    remount() {
      run('umount', path);
      mount();
    },
    remove() {
      run('umount', path);
      rmSync(image);
    },
  };
}
