import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { HostCommand } from '../image/requirements.ts';
import { roomError } from './errors.ts';

/** What running the room calls on the host, beside what building the image does. */
export const roomCommands: readonly HostCommand[] = [
  { command: 'qemu-system-x86_64', package: 'qemu-system-x86' },
  { command: 'qemu-img', package: 'qemu-utils' },
  { command: 'mkfs.btrfs', package: 'btrfs-progs' },
  { command: 'mkfs.ext4', package: 'e2fsprogs' },
  { command: 'openssl', package: 'openssl' },
  { command: 'ip', package: 'iproute2' },
  { command: 'ssh', package: 'openssh-client' },
  { command: 'nsenter', package: 'util-linux' },
  { command: 'unshare', package: 'util-linux' },
  { command: 'setpriv', package: 'util-linux' },
  { command: 'mount', package: 'mount' },
];

/** Throws lab/missing-command with one command that installs all that is missing. */
export function requireRoomCommands(path = process.env.PATH ?? ''): void {
  const folders = [...path.split(delimiter), '/usr/sbin', '/sbin'];
  const missing = roomCommands.filter(
    ({ command }) => !folders.some((folder) => runs(join(folder, command))),
  );
  if (missing.length === 0) return;
  throw roomError('lab/missing-command', {
    seen: `Not installed: ${missing.map(({ command }) => command).join(', ')}.`,
    next: [
      `apt-get install --no-install-recommends ${[...new Set(missing.map((entry) => entry.package))].join(' ')}`,
    ],
  });
}

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
