/** Programs that drayage runs in a guest, by name. */
export const guestTools = [
  'chattr',
  'find',
  'findmnt',
  'getfattr',
  'rsync',
  'runuser',
  'sha256sum',
  'systemctl',
  'xargs',
] as const;

/** Programs that drayage runs on a node. */
export const nodeTools = [
  'find',
  'getfattr',
  'mountpoint',
  'rsync',
  'sha256sum',
  'ssh',
  'xargs',
  'zfs',
  'zpool',
] as const;

const packages: Readonly<Record<string, string>> = {
  chattr: 'e2fsprogs',
  find: 'findutils',
  findmnt: 'util-linux',
  getfattr: 'attr',
  mountpoint: 'util-linux',
  runuser: 'util-linux',
  sha256sum: 'coreutils',
  ssh: 'openssh-client',
  systemctl: 'systemd',
  xargs: 'findutils',
  zfs: 'zfsutils-linux',
  zpool: 'zfsutils-linux',
};

/** Debian package that holds a program. */
export function packageOf(tool: string): string {
  return packages[tool] ?? tool;
}
