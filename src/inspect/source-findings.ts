/** What is known of the source path of a move: what it is, and the census of what lies below it. */
export type SourceFindings =
  | { readonly state: 'missing' | 'unreadable'; readonly seen: string }
  | { readonly state: 'not-a-directory'; readonly seen: string }
  | ({ readonly state: 'directory' } & SourceDirectory);

/** Entries of one kind: counted to the last one, the first ones of them by name. */
export interface Noted {
  readonly count: number;
  /** Relative to the source path. */
  readonly first: readonly string[];
}

/** Entries that are neither files, directories nor symbolic links. */
export interface SpecialFiles {
  readonly fifos: number;
  /** Not copied: a socket is nothing without the process that listens on it. */
  readonly sockets: number;
  readonly devices: number;
  /** All three kinds, the first ones by name. */
  readonly first: readonly string[];
}

export interface SourceDirectory {
  /** As `stat` prints them: identity of the directory, so that an unmounted source is noticed. */
  readonly device: string;
  readonly inode: string;
  /** The path with symbolic links resolved. */
  readonly realPath?: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: string;
  readonly fsType: string;
  /** The path itself is a mount point. */
  readonly isMount: boolean;
  readonly empty: boolean;
  /** Names below the path; image stores and what is excluded are not counted, here and in all that follows. */
  readonly entries: number;
  /** Files, directories and whatever else, each once however many names it has. */
  readonly inodes: number;
  /** Apparent and allocated. */
  readonly bytes: number;
  readonly allocatedBytes: number;
  /** Files that have more than one name. */
  readonly hardLinkGroups: number;
  readonly sparseFiles: number;
  /** Entries with an ACL beyond mode bits, or a default ACL. */
  readonly acls: number;
  /** Entries with extended attributes other than ACLs, capabilities and SELinux labels. */
  readonly xattrs: number;
  /** Entries with file capabilities (security.capability). */
  readonly capabilities: number;
  readonly special: SpecialFiles;
  /** Names that are not UTF-8. */
  readonly notUtf8: Noted;
  readonly unreadable: Noted;
  /** Mount points below the path, absolute, and what else is another file system there: a btrfs subvolume. */
  readonly submounts: readonly string[];
  /** Numeric owners with their counts, most frequent first. */
  readonly owners: readonly Owner[];
  readonly databases: readonly DatabaseFindings[];
  /** Image stores below the path, relative to it: left behind. `.`: the path itself is one. */
  readonly imageStores: readonly string[];
  /** There is a `.drayage` at the top: the path is, or was, the top of a share. */
  readonly hasShareFolder?: boolean;
  /** Bytes per second that the guest's disk gave in a short read; undefined where not measured. */
  readonly readBytesPerSecond?: number;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly entries: number;
}

/** A numeric owner that the target guest does not know: in no line of passwd or group, in no subordinate range. */
export interface UnknownOwner {
  readonly kind: 'uid' | 'gid';
  readonly id: number;
  readonly entries: number;
  /** The source guest knows it: it means somebody there, and nobody on the target. */
  readonly knownOnSource: boolean;
}

export interface DatabaseFindings {
  /** `PostgreSQL`, `MariaDB`, `SQLite (WAL)`... */
  readonly kind: string;
  /** Relative to the source path. */
  readonly path: string;
  /** The mark that was seen. */
  readonly mark: string;
}
