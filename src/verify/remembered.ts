import type { DigestAlgorithm } from './digest.ts';
import type { Entry } from './manifest.ts';
import { entryOf, openManifest } from './manifest-file.ts';
import { orderKey } from './manifest-line.ts';
import type { Tree } from './tree.ts';

/**
 * A page that was dirty when a file was read can be stored to again without a new ctime, until the kernel has written
 * it back (dirty_expire_centisecs and dirty_writeback_centisecs, 30 and 5 s unless set). What had changed within this
 * time before the earlier manifest was taken is read again.
 */
const settledSeconds = 60;

/** Digests of an earlier manifest, asked for in its own order. */
export interface Remembered {
  /** Goes on to `path`; must be awaited where it is a promise. */
  seek(path: string): Promise<void> | undefined;
  /** The digest of what `seek` found, where the entry is as it was then. */
  digestOf(path: string, now: Entry): string | undefined;
  close(): void;
}

/** @returns undefined where the manifest is of another tree or another algorithm. @throws verify/manifest */
export async function openRemembered(
  file: string,
  tree: Tree,
  algorithm: DigestAlgorithm,
): Promise<Remembered | undefined> {
  const cursor = await openManifest(file);
  const { header } = cursor;
  if (header.algorithm !== algorithm || header.path !== tree.path || header.host !== tree.host.name) {
    cursor.close();
    return undefined;
  }
  const settled = Date.parse(header.takenAt) / 1000 - settledSeconds;
  let here: { path: string; entry: Entry } | undefined;
  const read = () => {
    here = cursor.line === undefined ? undefined : entryOf(file, cursor.line);
  };
  read();
  const goOn = async (key: string, moved: Promise<void>): Promise<void> => {
    await moved;
    read();
    while (here !== undefined && orderKey(here.path) < key) {
      await cursor.next();
      read();
    }
  };
  return {
    seek(path) {
      const key = orderKey(path);
      while (here !== undefined && orderKey(here.path) < key) {
        const moved = cursor.next();
        if (moved !== undefined) return goOn(key, moved);
        read();
      }
      return undefined;
    },
    digestOf(path, now) {
      if (here?.path !== path) return undefined;
      const { entry } = here;
      const same =
        entry.type === 'f' &&
        entry.inode === now.inode &&
        entry.ctime === now.ctime &&
        entry.size === now.size &&
        Number(entry.ctime) < settled;
      return same ? entry.digest : undefined;
    },
    close: cursor.close,
  };
}
