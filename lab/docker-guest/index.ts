import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ensureGuestArtifacts, labCacheFolder } from '../image/build.ts';
import { readAptSettings, readDebianMirror } from '../image/mirror.ts';
import { guestRelease } from '../image/packages.ts';
import { bootSingleGuest, type SingleGuest } from '../single-guest/boot.ts';
import { buildInNamespaces } from '../single-guest/build.ts';
import { dockerGuestError } from './errors.ts';

const next = ['apt-get update', 'npm run test:docker'];

/**
 * Boots the lab's guest with Debian's docker engine and docker compose; its image is made on top of the lab's own, or
 * found in the cache. Needs root. Half a minute for the image, once, and half a minute for the boot.
 * @throws lab/docker-guest-build-failed, lab/docker-guest-boot-failed, and the errors of ensureGuestArtifacts
 */
export async function bootDockerGuest(name: string, log: (line: string) => void): Promise<SingleGuest> {
  const image = await ensureGuestArtifacts(log);
  const recipe = join(import.meta.dirname, 'build.sh');
  const hash = createHash('sha256')
    .update(basename(dirname(image.baseImage)))
    .update(readFileSync(recipe));
  const folder = join(labCacheFolder(), `docker-guest-${hash.digest('hex').slice(0, 16)}`);
  if (!existsSync(folder)) {
    const [mirror, settings] = [await readDebianMirror(), await readAptSettings()];
    await buildInNamespaces(
      recipe,
      [folder, image.baseImage, guestRelease, mirror.main, mirror.security, ...settings],
      {
        prefix: 'docker-guest: ',
        log,
        failed: (seen) => dockerGuestError('lab/docker-guest-build-failed', { seen, next }),
      },
    );
  }
  return bootSingleGuest(
    {
      name,
      image,
      rootImage: join(folder, 'docker.ext4'),
      memoryMiB: 1024,
      ready: 'docker version >/dev/null',
      mayReboot: true,
      failed: (seen) => dockerGuestError('lab/docker-guest-boot-failed', { seen, next }),
    },
    log,
  );
}
