import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zfsGuestError } from './errors.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The archive with ready-made ZFS modules for a kernel: the file that DRAYAGE_ZFS_MODULES names, or the one for this
 * kernel in the folder that it names, or in `../shared/lab` beside the repository. Undefined: they must be built.
 * @throws lab/zfs-modules-missing when DRAYAGE_ZFS_MODULES names nothing
 * @param kernelRelease such as `6.12.48+deb13-cloud-amd64`; modules fit one release only
 */
export function findModules(kernelRelease: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const place = env.DRAYAGE_ZFS_MODULES ?? join(dirname(resolve(repository)), 'shared', 'lab');
  const fits = (name: string) => name.startsWith('zfs-') && name.endsWith(`-modules-${kernelRelease}.tar.xz`);
  if (!existsSync(place)) {
    if (env.DRAYAGE_ZFS_MODULES === undefined) return undefined;
    throw zfsGuestError('lab/zfs-modules-missing', {
      seen: `DRAYAGE_ZFS_MODULES names ${place}, and there is nothing.`,
      next: ['unset DRAYAGE_ZFS_MODULES', 'export DRAYAGE_ZFS_MODULES=<folder or .tar.xz>'],
    });
  }
  if (place.endsWith('.tar.xz')) return place;
  const found = readdirSync(place).filter(fits).sort().at(-1);
  return found === undefined ? undefined : join(place, found);
}
