/** `inner` is `outer` or lies below it; both absolute and without `..`, or both relative. */
function within(inner: string, outer: string): boolean {
  return inner === outer || outer === '/' || inner.startsWith(`${outer}/`);
}

/** One is the other, or lies inside it. */
export function overlap(a: string, b: string): boolean {
  return within(a, b) || within(b, a);
}

/** Directories that a system is made of; nothing may be mounted over them and they are no data to move. */
const system = new Set([
  ...[
    '/',
    '/bin',
    '/boot',
    '/etc',
    '/home',
    '/lib',
    '/lib32',
    '/lib64',
    '/mnt',
    '/nix',
    '/nix/store',
    '/root',
  ],
  ...['/run', '/sbin', '/tmp', '/usr', '/var', '/var/lib', '/var/log', '/etc/pve', '/etc/systemd'],
]);

/** `/usr`, `/var/lib`, and everything below /dev, /proc and /sys. */
export function systemFolder(path: string): boolean {
  return system.has(path) || ['/dev', '/proc', '/sys'].some((top) => within(path, top));
}
