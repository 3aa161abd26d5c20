/** Debian release of the lab's guests: the one whose podman has quadlets and whose virtiofsd is Proxmox VE 9's. */
export const guestRelease = 'trixie';

/** Names the newest kernel for virtual machines; its package is unpacked, not installed, because its initramfs is ours. */
export const guestKernelPackage = 'linux-image-cloud-amd64';

/** What is installed in the root file system that doc1, doc2 and the node `prom` share. */
export const guestPackages: readonly string[] = [
  // the system: logind and a user bus, without which a lingering user has no manager and rootless podman no cgroups
  'systemd',
  'systemd-sysv',
  'dbus',
  'dbus-user-session',
  'libpam-systemd',
  'udev',
  'kmod',
  'procps',
  'sudo',
  // the network
  'iproute2',
  'openssh-server',
  'openssh-client',
  'qemu-guest-agent',
  // containers, also rootless ones
  'podman',
  'crun',
  'netavark',
  'aardvark-dns',
  'nftables',
  'passt',
  'uidmap',
  // the tools that drayage uses on guests and nodes
  'rsync',
  'acl',
  'attr',
  'libcap2-bin',
  'e2fsprogs',
  'virtiofsd',
  'jq',
  // what the lab itself runs in guests
  'busybox-static',
  'python3-minimal',
  'sqlite3',
];
