import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type BuiltGuest, ensureGuestArtifacts, labCacheFolder } from '../image/build.ts';
import { readAptSettings, readDebianMirror } from '../image/mirror.ts';
import { guestRelease } from '../image/packages.ts';
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
    await build(
      [
        ...[folder, guest.baseImage, guest.kernelRelease, modules ?? '-', guestRelease],
        ...[mirror.main, mirror.security, ...settings],
      ],
      log,
    );
  }
  return { ...guest, zfsImage: join(folder, 'zfs.ext4') };
}

/** Runs build.sh in namespaces that end with this process: mounts, loop devices and processes go with them. */
async function build(args: readonly string[], log: (line: string) => void): Promise<void> {
  const child = spawn(
    'setpriv',
    [
      ...[
        '--pdeathsig',
        'KILL',
        'unshare',
        '--mount',
        '--pid',
        '--fork',
        '--kill-child=KILL',
        '--mount-proc',
      ],
      ...['bash', join(import.meta.dirname, 'build.sh'), ...args],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C.UTF-8' } },
  );
  const lastLines: string[] = [];
  const listen = (line: string): void => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    if (line.startsWith('zfs-guest: ')) log(line);
  };
  createInterface({ input: child.stdout }).on('line', listen);
  createInterface({ input: child.stderr }).on('line', listen);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) {
    throw zfsGuestError('lab/zfs-guest-build-failed', {
      seen: `The build ended with ${code ?? 'a signal'}. Its last lines:\n${lastLines.join('\n')}`,
      next: ['apt-get update', 'npm run test:zfs'],
    });
  }
}
