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
