/** At the top of a share: drayage's own folder, and what ZFS shows with `snapdir=visible` (zfsprops(7)). */
export const notData: readonly string[] = ['.drayage', '.zfs'];
