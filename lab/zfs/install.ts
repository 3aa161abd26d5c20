import { cp, mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const emulator = fileURLToPath(new URL('emulator', import.meta.url));
const installed = '/usr/local/lib/drayage-lab-zfs';

/** Where the node must have the pool's btrfs mounted, seen from within the node. */
export const poolFolder = (pool: string): string => `/var/lib/drayage-lab/zfs/${pool}`;

/** Puts the emulator into the node's root as `/usr/sbin/zfs` and `/usr/sbin/zpool`. May be repeated. */
export async function installZfs(nodeRoot: string): Promise<void> {
  const folder = join(nodeRoot, installed);
  await rm(folder, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  await cp(emulator, folder, { recursive: true });
  await mkdir(join(nodeRoot, 'usr/sbin'), { recursive: true });
  for (const command of ['zfs', 'zpool']) {
    const path = join(nodeRoot, 'usr/sbin', command);
    await rm(path, { force: true });
    await symlink(`${installed}/zfs`, path);
  }
}

/**
 * Run on the node once the pool's btrfs is mounted at `poolFolder(pool)`: makes the pool unless it is there, and
 * mounts its datasets. May be repeated.
 */
export const startPool = (pool: string, mountpoint: string): string[] => [
  'zpool',
  'lab-start',
  pool,
  mountpoint,
];
