import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type FileSystem = 'ext4' | 'xfs' | 'btrfs' | 'zfs';

export interface LoopMount {
  readonly path: string;
  /** Unmounts, which also gives the loop device back, and removes the image. */
  unmount(): void;
}

/** A file system of its own on a loop device. XFS wants at least 300 MiB; the image is sparse. */
export function loopMount(kind: FileSystem): LoopMount {
  const folder = mkdtempSync(join(tmpdir(), `drayage-${kind}-`));
  const image = join(folder, 'image');
  const path = join(folder, 'mnt');
  writeFileSync(image, '');
  truncateSync(image, 320 * 1024 * 1024);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const run = (command: string, ...argv: string[]) => execFileSync(command, argv, { stdio: 'pipe' });
  // A pool in a file, whose dataset is made as that of a share.
  const pool = `drayage-${process.pid}`;
  try {
    if (kind === 'zfs') {
      const properties = ['acltype=posixacl', 'xattr=sa'].flatMap((property) => ['-O', property]);
      run('zpool', 'create', ...properties, '-m', path, pool, image);
      return {
        path,
        unmount() {
          run('zpool', 'destroy', pool);
          remove();
        },
      };
    }
    execFileSync(`mkfs.${kind}`, ['-q', image], { stdio: 'pipe' });
    execFileSync('install', ['-d', path]);
    execFileSync('mount', ['-o', 'loop', image, path], { stdio: 'pipe' });
  } catch (error) {
    remove();
    throw error;
  }
  return {
    path,
    unmount() {
      execFileSync('umount', [path], { stdio: 'pipe' });
      remove();
    },
  };
}
