import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants, readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { GuestArtifacts } from '../contracts.ts';
import { labError } from './errors.ts';
import { readAptSettings, readDebianMirror } from './mirror.ts';
import { guestKernelPackage, guestPackages, guestRelease } from './packages.ts';
import { imageBuildCommands } from './requirements.ts';

const recipeFolder = import.meta.dirname;

/** The lab's cache: what is built once and serves every later run. */
export function labCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'drayage-lab');
}

/** What the build leaves behind, more than the machines need: the node's own key, and the kernel's release. */
export interface BuiltGuest extends GuestArtifacts {
  /** Path of a private key that root of every guest accepts too: for the node, which pulls from guests. */
  nodeKey: string;
  /** Path of the private host key that every machine of this image answers with. */
  guestHostKey: string;
  /** Release of the kernel, such as `6.12.48+deb13-cloud-amd64`. */
  kernelRelease: string;
}

/**
 * Builds what a guest boots from, or finds it in the cache.
 *
 * The cache is keyed by everything that goes into the build; an interrupted build leaves neither mounts nor a
 * half-made entry, and two builders wait for each other. Needs root. Takes one to three minutes the first time.
 * @param log receives a line for each stage of the build
 * @throws lab/missing-tool, lab/no-mirror, lab/image-build-failed
 */
export async function ensureGuestArtifacts(log: (line: string) => void): Promise<BuiltGuest> {
  const folder = join(labCacheFolder(), `guest-${await recipeDigest()}`);
  if (!(await exists(folder))) {
    await requireTools();
    const [mirror, settings] = [await readDebianMirror(), await readAptSettings()];
    const started = Date.now();
    await runBuild(
      [
        folder,
        guestRelease,
        guestPackages.join(','),
        guestKernelPackage,
        mirror.main,
        mirror.security,
        ...settings,
      ],
      log,
    );
    log(`image: built in ${Math.round((Date.now() - started) / 1000)} s, kept in ${folder}`);
  }
  return {
    kernel: join(folder, 'vmlinuz'),
    initrd: join(folder, 'initrd.img'),
    baseImage: join(folder, 'base.ext4'),
    rootTree: join(folder, 'base.ext4'),
    sshKey: join(folder, 'lab_key'),
    guestHostKeyPub: join(folder, 'guest_host_key.pub'),
    nodeKey: join(folder, 'node_key'),
    guestHostKey: join(folder, 'guest_host_key'),
    kernelRelease: (await readFile(join(folder, 'kernel-release'), 'utf8')).trim(),
  };
}

/** Digest of the recipe: the package list, and every file here that is not TypeScript. */
async function recipeDigest(): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([guestRelease, guestKernelPackage, guestPackages]));
  const entries = await readdir(recipeFolder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) {
    const content = await readFile(file);
    hash.update(`${file.slice(recipeFolder.length)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

/** Runs build.sh in namespaces that end with this process: mounts, loop devices and processes go with them. */
async function runBuild(args: readonly string[], log: (line: string) => void): Promise<void> {
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
      ...['bash', join(recipeFolder, 'build.sh'), ...args],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C.UTF-8' } },
  );
  const lastLines: string[] = [];
  const listen = (line: string): void => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    if (line.startsWith('image: ') || (line.startsWith('I: ') && !line.includes('-hook'))) {
      log(line.replace(/^I: /, 'image:   '));
    }
  };
  createInterface({ input: child.stdout }).on('line', listen);
  createInterface({ input: child.stderr }).on('line', listen);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) {
    throw labError('lab/image-build-failed', {
      seen: `The build ended with ${code ?? 'a signal'}. Its last lines:\n${lastLines.join('\n')}`,
      next: ['apt-get update', 'npm run lab -- up'],
    });
  }
}

async function requireTools(): Promise<void> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const missing: string[] = [];
  for (const { command, package: name } of imageBuildCommands) {
    const found = await Promise.all(folders.map((folder) => exists(join(folder, command), constants.X_OK)));
    if (!found.includes(true)) missing.push(name);
  }
  if (missing.length > 0) {
    throw labError('lab/missing-tool', {
      seen: `Not installed: ${missing.join(', ')}.`,
      next: [`apt-get install --no-install-recommends ${[...new Set(missing)].join(' ')}`],
    });
  }
}

function exists(path: string, mode?: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
