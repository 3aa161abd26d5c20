import { createHash, randomUUID } from 'node:crypto';
import { constants, copyFile, link, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { labCacheFolder } from '../image/build.ts';
import { doc1Containers, type GuestRun } from './install.ts';

/**
 * Where the cache keeps the disk of a doc1 that has its services, powered off: an overlay over the image it was made on.
 * The name changes with the image and with every file that has a part in filling doc1.
 */
export async function preparedDiskPath(baseImage: string): Promise<string> {
  const hash = createHash('sha256').update(`${basename(dirname(baseImage))}\0`);
  const entries = await readdir(import.meta.dirname, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    const content = await readFile(file);
    hash.update(`${file.slice(import.meta.dirname.length)}\0${content.length}\0`).update(content);
  }
  return join(labCacheFolder(), `doc1-${hash.digest('hex').slice(0, 16)}.qcow2`);
}

/** Puts the disk of a guest that is off into the cache, whole or not at all. Who comes second leaves the first one's. */
export async function keepPreparedDisk(disk: string, kept: string): Promise<void> {
  const copy = `${kept}.${randomUUID()}`;
  try {
    await copyFile(disk, copy, constants.COPYFILE_FICLONE);
    // Not renamed: a disk that other labs stand on must never change under them.
    await link(copy, kept).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(copy, { force: true });
  }
}

/**
 * After a boot of a doc1 that has its services: starts the container that no boot starts, and waits for the others.
 * @throws Error when they do not run within two minutes
 */
export async function wakeServices(doc1: GuestRun): Promise<void> {
  await doc1(['podman', 'start', 'app']);
  const names = ['podman', 'ps', '--format', '{{.Names}}'];
  const lookups: [expected: readonly string[], argv: string[]][] = [
    [doc1Containers.root, names],
    [
      doc1Containers.notes,
      ['runuser', '-u', 'notes', '--', 'env', '--chdir=/', 'XDG_RUNTIME_DIR=/run/user/1000', ...names],
    ],
  ];
  const end = Date.now() + 120_000;
  for (const [expected, argv] of lookups) {
    for (;;) {
      const { stdout, stderr } = await doc1(argv);
      const running = stdout.toString().split('\n');
      const missing = expected.filter((name) => !running.includes(name));
      if (missing.length === 0) break;
      if (Date.now() > end) {
        const all = await doc1(['podman', 'ps', '--all', '--format', '{{.Names}}: {{.Status}}']);
        throw new Error(
          `On doc1, ${missing.join(', ')} did not start.\n${stderr.toString().trim()}\n${all.stdout.toString()}`,
        );
      }
      await sleep(1_000);
      // Seen once: started while the guest still booted, and gone a moment later.
      if (missing.includes('app')) await doc1(['podman', 'start', 'app']);
    }
  }
}
