/** A command of the host that the lab calls, and the Debian package that has it. */
export interface HostCommand {
  command: string;
  package: string;
}

/** What building the guest image calls on the host. `make` installs the packages; the build only looks. */
export const imageBuildCommands: readonly HostCommand[] = [
  { command: 'mmdebstrap', package: 'mmdebstrap' },
  { command: 'apt-get', package: 'apt' },
  { command: 'dpkg-deb', package: 'dpkg' },
  { command: 'mke2fs', package: 'e2fsprogs' },
  { command: 'fstrim', package: 'util-linux' },
  { command: 'unshare', package: 'util-linux' },
  { command: 'setpriv', package: 'util-linux' },
  { command: 'flock', package: 'util-linux' },
  { command: 'mount', package: 'mount' },
  { command: 'ssh-keygen', package: 'openssh-client' },
  { command: 'tar', package: 'tar' },
];

/** Packages without a command of their own: the keys that Debian's archive is signed with. */
export const imageBuildDataPackages: readonly string[] = ['debian-archive-keyring'];

/** Every Debian package that the host needs to build the guest image, sorted, each once. */
export function imageBuildPackages(): string[] {
  return [
    ...new Set([...imageBuildCommands.map((entry) => entry.package), ...imageBuildDataPackages]),
  ].sort();
}
