import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { bootSingleGuest, type SingleGuest } from '../single-guest/boot.ts';
import type { ZfsGuestImage } from './build.ts';
import { zfsGuestError } from './errors.ts';

const diskBytes = 2 * 1024 ** 3;

/** A running guest with OpenZFS and one empty disk for a pool. */
export interface ZfsGuest extends SingleGuest {
  /** Partition of the empty disk, as the guest names it. */
  readonly poolDevice: string;
}

/** Boots the guest with OpenZFS. @throws lab/zfs-guest-boot-failed */
export async function bootZfsGuest(image: ZfsGuestImage, log: (line: string) => void): Promise<ZfsGuest> {
  const guest = await bootSingleGuest(
    {
      name: 'prom',
      image,
      rootImage: image.zfsImage,
      memoryMiB: 1536,
      ready: 'modprobe zfs',
      async disks(folder) {
        const pool = join(folder, 'pool.raw');
        await writePartitionedDisk(pool);
        return [pool];
      },
      failed: (seen) => zfsGuestError('lab/zfs-guest-boot-failed', { seen, next: ['npm run test:zfs'] }),
    },
    log,
  );
  return { ...guest, poolDevice: '/dev/vdb1' };
}

/** An empty disk with one partition (type bf, Solaris): zpool labels a whole disk only with udev's help. */
async function writePartitionedDisk(path: string): Promise<void> {
  const first = 2048;
  const record = Buffer.alloc(512);
  record[446 + 4] = 0xbf;
  record.writeUInt32LE(first, 446 + 8);
  record.writeUInt32LE(diskBytes / 512 - first, 446 + 12);
  record.writeUInt16BE(0x55aa, 510);
  const file = await open(path, 'wx');
  try {
    await file.truncate(diskBytes);
    await file.write(record, 0, record.length, 0);
  } finally {
    await file.close();
  }
}
