/**
 * The `zfs` and `zpool` commands that drayage uses, as argument vectors. Pure: the plan prints them, apply runs them.
 * Sources: zfs-create(8), zfs-list(8), zfsprops(7), zpool-list(8) of OpenZFS 2.3; each form is held against the
 * real tool by test/zfs-real/.
 */

/** Properties as zfs takes them (zfsprops(7)): `recordsize: '16K'`. What is shown later may differ: see values.ts. */
export type DatasetProperties = Readonly<Record<string, string>>;

/**
 * `zfs create` with properties, in the order given. A share wants `acltype=posixacl` (on Linux the default is `off`,
 * and every ACL then fails with "Operation not supported"), `xattr=sa` (ACLs and xattrs in the inode, not in a hidden
 * directory) and its `mountpoint`; `recordsize` holds for each block once it is written. The parent must exist: no
 * `-p`, which ignores the properties of a dataset that is already there.
 * @param name `pool/path`
 */
export const createDataset = (name: string, properties: DatasetProperties): string[] => [
  'zfs',
  'create',
  ...Object.entries(properties).flatMap(([property, value]) => ['-o', `${property}=${value}`]),
  name,
];

/** For a dataset that exists and is not mounted; `zfs create` leaves one behind when the mount alone fails. */
export const mountDataset = (name: string): string[] => ['zfs', 'mount', name];

/** Columns of `listFilesystems`, in the order in which `parseFilesystems` reads them. */
export const filesystemColumns = [
  'name',
  'used',
  'available',
  'referenced',
  'mounted',
  'canmount',
  'readonly',
  'acltype',
  'xattr',
  'recordsize',
  'compression',
  'quota',
  'refquota',
  'guid',
  // Last, because a path may hold the tab that separates the columns.
  'mountpoint',
] as const;

/** Every filesystem of a pool, or of a dataset and below it. Numbers are exact (`-p`). */
export const listFilesystems = (poolOrDataset: string): string[] => [
  'zfs',
  'list',
  '-Hp',
  '-o',
  filesystemColumns.join(','),
  '-t',
  'filesystem',
  '-r',
  poolOrDataset,
];

/** `property<TAB>value<TAB>source` for each; source is `local`, `default`, `inherited from ...`, `received`, `temporary` or `-`. */
export const getPropertiesWithSource = (name: string, properties: readonly string[]): string[] => [
  'zfs',
  'get',
  '-Hp',
  '-o',
  'property,value,source',
  properties.join(','),
  name,
];

/** Values only, one a line, in the order asked: what a check of the plan compares. */
export const getDatasetProperties = (name: string, properties: readonly string[]): string[] => [
  'zfs',
  'get',
  '-Hp',
  '-o',
  'value',
  properties.join(','),
  name,
];

export const poolColumns = ['name', 'size', 'allocated', 'free', 'health', 'guid', 'readonly'] as const;

/** All imported pools, or one. */
export const listPools = (pool?: string): string[] => [
  'zpool',
  'list',
  '-Hp',
  '-o',
  poolColumns.join(','),
  ...(pool === undefined ? [] : [pool]),
];

export interface NewSnapshot {
  readonly dataset: string;
  /** The part after `@`. */
  readonly snapshot: string;
  /** Also of all datasets below, at the same instant. */
  readonly recursive?: boolean;
}

export const createSnapshot = (snapshot: NewSnapshot): string[] => [
  'zfs',
  'snapshot',
  ...(snapshot.recursive ? ['-r'] : []),
  `${snapshot.dataset}@${snapshot.snapshot}`,
];

/** What a snapshot may be called (zfs(8)); `%` and `,` would name several snapshots, an empty name the dataset. */
const snapshotName = /^[A-Za-z0-9_.: -]+$/;

/** Destroys one snapshot, and never a dataset. @throws RangeError when the name is not that of one snapshot */
export function destroySnapshot(dataset: string, snapshot: string): string[] {
  if (dataset === '' || dataset.includes('@') || !snapshotName.test(snapshot)) {
    throw new RangeError(`not the name of one snapshot: ${dataset}@${snapshot}`);
  }
  return ['zfs', 'destroy', `${dataset}@${snapshot}`];
}

export const snapshotColumns = ['name', 'used', 'referenced', 'creation', 'guid'] as const;

/** The snapshots of one dataset, not of those below it, oldest first. */
export const listSnapshots = (dataset: string): string[] => [
  'zfs',
  'list',
  '-Hp',
  '-t',
  'snapshot',
  '-o',
  snapshotColumns.join(','),
  '-s',
  'creation',
  dataset,
];

/** Two lines: `zfs-2.3.9-...` (the tools) and `zfs-kmod-2.3.9-...` (the kernel module). */
export const showVersion = (): string[] => ['zfs', 'version'];
