/**
 * What zfs prints is not always what it was given: one meaning has several names, and `zfs get` shows the first of
 * its table. Seen with OpenZFS 2.3.9 (test/zfs-real/): `acltype=posixacl` is shown as `posix`, `xattr=sa` as `on`.
 */

/** Whether ACLs work on the dataset (Linux): only with `posix`; `nfsv4` is accepted there and behaves like `off`. */
export type AclType = 'off' | 'posix' | 'nfsv4';

/** Where xattrs are kept: in the inode (`sa`), in a hidden directory (`dir`), or nowhere. */
export type XattrMode = 'sa' | 'dir' | 'off';

/** The value that `zfs get acltype` shows for `acltype=posixacl` (OpenZFS 2.0 and later). */
export const shownPosixAcl = 'posix';

const aclTypes: Readonly<Record<string, AclType>> = {
  off: 'off',
  noacl: 'off',
  disabled: 'off',
  posix: 'posix',
  posixacl: 'posix',
  nfsv4: 'nfsv4',
};

/** The meaning of a shown `acltype`; undefined for a value that no documented version shows. */
export const aclTypeOf = (shown: string): AclType | undefined => aclTypes[shown];

/**
 * The meaning of a shown `xattr`; undefined for a value that no documented version shows. `on` stands for `sa` since
 * OpenZFS 2.3, which also added the value `dir`; before, `on` stood for the hidden directory.
 * @param version the kernel module's, as `parseVersion` gives it.
 */
export function xattrModeOf(shown: string, version: { major: number; minor: number }): XattrMode | undefined {
  if (shown === 'sa' || shown === 'dir' || shown === 'off') return shown;
  if (shown !== 'on') return undefined;
  return version.major > 2 || (version.major === 2 && version.minor >= 3) ? 'sa' : 'dir';
}
