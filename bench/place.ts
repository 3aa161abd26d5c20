import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type FileSystem = 'ext4' | 'xfs' | 'btrfs';

/** A file system of its own on a loop device. */
export interface Place {
  readonly kind: FileSystem;
  readonly path: string;
  /** Makes the file system anew, in a new image: every engine begins with the same empty one. */
  renew(): void;
  /** Unmounts and mounts again: names and inodes are read from the image once more. */
  remount(): void;
}

/** @param bytes of the image, which is sparse. @throws when mkfs or mount fails */
export function makePlace(kind: FileSystem, folder: string, bytes: number): Place {
  const image = join(folder, `${kind}.img`);
  const path = join(folder, kind);
  const run = (command: string, ...argv: string[]) => execFileSync(command, argv, { stdio: 'pipe' });
  const mount = () => run('mount', '-o', 'loop', image, path);
  const make = () => {
    writeFileSync(image, '');
    truncateSync(image, bytes);
    // As many inodes as a small-file tree may want: ext4's default is one for 16 KiB.
    run(`mkfs.${kind}`, '-q', ...(kind === 'ext4' ? ['-i', '8192'] : []), image);
    mount();
  };
  mkdirSync(path);
  make();
  return {
    kind,
    path,
    renew() {
      run('umount', path);
      rmSync(image);
      make();
    },
    remount() {
      run('umount', path);
      mount();
    },
  };
}
