import { aloneOf, mustBeThere, type PullOptions, rsyncList, rsyncPull } from './rsync-command.ts';

export interface PushOptions {
  /** What ssh on the node understands: `root@doc1`. */
  readonly destination: string;
  /** Absolute directory on the node; its contents are copied. */
  readonly fromPath: string;
  /** Absolute directory on the guest; receives the contents. */
  readonly toPath: string;
  readonly exclude: readonly string[];
  readonly maxDelete: number;
  readonly sudo: boolean;
  readonly protectMarker: boolean;
  readonly lock: PullOptions['lock'];
}

/**
 * The pull the other way round, with the same options: the node sends a tree to a guest, and deletes there what it does
 * not have itself. What is excluded is neither sent nor deleted.
 */
export function rsyncPush(options: PushOptions): string[] {
  return turned(options, rsyncPull({ ...turning(options), delete: true }));
}

/** The same for exactly the names that come on stdin, relative and NUL-separated. */
export function rsyncPushList(options: PushOptions): string[] {
  const list = aloneOf(rsyncList(turning(options)));
  const sieve = list.filter((argument) => /^--(exclude|filter)=/.test(argument));
  return turned(options, [
    ...list.slice(0, -2),
    // Without --delete a receiving rsync is not told what is excluded: it would delete it with a directory that is gone,
    // and take what XFS shows beside an ACL for an attribute too many (tried with rsync 3.5.0).
    ...sieve.map((argument) => `--remote-option=${argument}`),
    ...list.slice(-2),
  ]);
}

function turning(options: PushOptions) {
  const { destination, fromPath, toPath, ...rest } = options;
  return { ...rest, sourceDestination: destination, sourcePath: toPath, targetPath: fromPath };
}

/** A receiving rsync takes its path literally: a pattern is only read where files are sent from. */
function turned({ destination, fromPath, toPath }: PushOptions, pull: readonly string[]): string[] {
  return [...pull.slice(0, -2), `${fromPath.replace(/\/+$/, '')}/`, `${destination}:${mustBeThere(toPath)}`];
}
