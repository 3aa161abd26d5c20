import { type PullOptions, rsyncPull } from './rsync-command.ts';

export interface PushOptions {
  /** What ssh on the node understands: `root@doc1`. */
  readonly destination: string;
  /** Absolute directory on the node; its contents are copied. */
  readonly fromPath: string;
  /** Absolute directory on the guest; receives the contents. */
  readonly toPath: string;
  readonly exclude: readonly string[];
  readonly maxDelete: number;
  /** Reads every file on both sides, where size and mtime do not tell enough: after a pass that was cut off. */
  readonly checksum: boolean;
  readonly sudo: boolean;
  readonly protectMarker: boolean;
  readonly lock: PullOptions['lock'];
}

/**
 * The pull the other way round, with the same options: the node sends a tree to a guest, and deletes there what it does
 * not have itself. What is excluded is neither sent nor deleted.
 */
export function rsyncPush(options: PushOptions): string[] {
  const pull = rsyncPull({
    sourceDestination: options.destination,
    sourcePath: options.toPath,
    targetPath: options.fromPath,
    exclude: options.exclude,
    delete: true,
    maxDelete: options.maxDelete,
    sudo: options.sudo,
    protectMarker: options.protectMarker,
    lock: options.lock,
  });
  const folder = (path: string) => `${path.replace(/\/+$/, '')}/`;
  // A receiving rsync takes its path literally: a pattern is only read where files are sent from.
  return [
    ...pull.slice(0, -2),
    ...(options.checksum ? ['--checksum'] : []),
    folder(options.fromPath),
    `${options.destination}:${folder(options.toPath)}`,
  ];
}
