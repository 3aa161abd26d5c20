import { execFile } from 'node:child_process';
import { cp, mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { poolName } from '../room/layout.ts';

const run = promisify(execFile);
const emulator = fileURLToPath(new URL('emulator', import.meta.url));
const installed = '/usr/local/lib/drayage-lab-zfs';

/**
 * Puts the emulator into the node's root as `/usr/sbin/zfs` and `/usr/sbin/zpool`, and starts the pool: made on the
 * btrfs that must be mounted at `/var/lib/drayage-lab/pool` of the node, unless it is there, with all its datasets
 * mounted below `/POOL`. May be repeated. Rejects when the pool cannot be started.
 */
export async function installZfsEmulator(nodeRoot: string, pool: string = poolName): Promise<void> {
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
  await run('chroot', [nodeRoot, '/usr/sbin/zpool', 'lab-start', pool, `/${pool}`]);
}
