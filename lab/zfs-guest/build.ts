import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type BuiltGuest, ensureGuestArtifacts, labCacheFolder } from '../image/build.ts';
import { readAptSettings, readDebianMirror } from '../image/mirror.ts';
import { guestRelease } from '../image/packages.ts';
import { buildInNamespaces } from '../single-guest/build.ts';
import { zfsGuestError } from './errors.ts';
import { findModules } from './modules.ts';

const recipe = ['build.sh', 'build-modules.sh'].map((name) => join(import.meta.dirname, name));

/** The lab's guest, whose root file system also has OpenZFS: tools and modules. */
export interface ZfsGuestImage extends BuiltGuest {
  /** Raw ext4 root file system; boot it with `snapshot=on`. */
  zfsImage: string;
}

/**
 * Builds the image of the guest with OpenZFS on top of the lab's guest image, or finds it in the cache.
 * Needs root. About a minute with ready-made modules (see `findModules`), six where they must be built.
 * @throws lab/zfs-guest-build-failed, and the errors of ensureGuestArtifacts
 */
export async function ensureZfsGuest(log: (line: string) => void): Promise<ZfsGuestImage> {
  const guest = await ensureGuestArtifacts(log);
  const modules = findModules(guest.kernelRelease);
  const hash = createHash('sha256')
    .update(basename(dirname(guest.baseImage)))
    .update(`\0${basename(modules ?? '')}\0`);
  for (const file of recipe) hash.update(readFileSync(file));
  const folder = join(labCacheFolder(), `zfs-guest-${hash.digest('hex').slice(0, 16)}`);
  if (!existsSync(folder)) {
    const [mirror, settings] = [await readDebianMirror(), await readAptSettings()];
    await buildInNamespaces(
      join(import.meta.dirname, 'build.sh'),
      [
        ...[folder, guest.baseImage, guest.kernelRelease, modules ?? '-', guestRelease],
        ...[mirror.main, mirror.security, ...settings],
      ],
      {
        prefix: 'zfs-guest: ',
        log,
        failed: (seen) =>
          zfsGuestError('lab/zfs-guest-build-failed', { seen, next: ['apt-get update', 'npm run test:zfs'] }),
      },
    );
  }
  return { ...guest, zfsImage: join(folder, 'zfs.ext4') };
}
