import { notData } from './not-data.ts';

export interface PullOptions {
  /** What ssh on the node understands: `root@doc1`, a Host of its ssh config, an address. */
  readonly sourceDestination: string;
  /** Absolute directory on the source guest; its contents are copied. */
  readonly sourcePath: string;
  /** Absolute directory on the node; receives the contents. */
  readonly targetPath: string;
  /** Paths relative to the source path, taken literally: neither copied nor deleted. */
  readonly exclude: readonly string[];
  readonly delete: boolean;
  /** rsync's own limit, behind the count that `copy/` makes first. */
  readonly maxDelete: number;
  /** rsync on the source guest runs by `sudo -n`. */
  readonly sudo: boolean;
  /** The target is the share's top: drayage's own folder there is kept from `--delete`. */
  readonly protectMarker: boolean;
  /** Folder on the target's file system that keeps half-sent files, so that a large file is not begun anew. */
  readonly partialFolder?: string;
  /** Socket on the node for the one connection that the rsyncs of a list share, in a folder where nobody else may make files. */
  readonly connection?: string;
  /** File on the node whose lock the pass holds: a pass that was left behind by a lost connection shuts the next one out. */
  readonly lock: string;
}

/**
 * Tried first where both ends have it, the usual ciphers after it (ssh_config(5), Ciphers, `^`): with AES in hardware it
 * costs less than the default cipher does.
 */
const fastCipher = 'Ciphers=^aes128-gcm@openssh.com';

/** How the node reaches a guest: nobody is asked, a dead connection is noticed after two minutes. */
export const sshToGuest: readonly string[] = [
  'ssh',
  ...['BatchMode=yes', 'ServerAliveInterval=15', 'ServerAliveCountMax=8', fastCipher].flatMap((option) => [
    '-o',
    option,
  ]),
];

/** What flock ends with when another pass holds the lock: no exit code of rsync. */
export const lockedExitCode = 75;

/** rsync treats a backslash as an escape only in a pattern that has a wildcard (rsync(1), PATTERN MATCHING RULES). */
function literal(path: string): string {
  return /[*?[]/.test(path) ? path.replace(/[*?[\\]/g, '\\$&') : path;
}

function withoutSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}

/**
 * Why these options: `-aHAXS --numeric-ids` keep hard links, ACLs, xattrs, holes and numbers; `--modify-window=-1`
 * compares times to the nanosecond (the default sees whole seconds, and misses a same-size change within one);
 * `--secluded-args` keeps the source path from the guest's shell with every rsync since 3.0;
 * `trusted.SGI_ACL_*` is how XFS shows root each POSIX ACL a second time; `btrfs.*` are settings of that file system, which
 * others refuse ("Operation not supported", tried).
 */
function rsyncArgv(options: PullOptions, which: readonly string[]): string[] {
  const excludes = options.exclude.map((path) => `--exclude=/${literal(withoutSlashes(path))}`);
  return [
    'flock',
    // flock becomes rsync: a signal finds rsync itself, which then keeps what it has of a half-sent file.
    '--no-fork',
    '--nonblock',
    '--conflict-exit-code',
    String(lockedExitCode),
    options.lock,
    'rsync',
    '-aHAXS',
    '--numeric-ids',
    '--one-file-system',
    '--modify-window=-1',
    '--secluded-args',
    '--filter=-x trusted.SGI_ACL_*',
    '--filter=-x btrfs.*',
    ...(options.protectMarker ? notData.map((name) => `--exclude=/${name}`) : []),
    ...excludes,
    ...which,
    ...(options.partialFolder === undefined ? [] : [`--partial-dir=${options.partialFolder}`]),
    '--info=progress2',
    '--no-human-readable',
    '--outbuf=Line',
    '--out-format=%i %l %n',
    ...(options.sudo ? ['--rsync-path=sudo -n rsync'] : []),
    `${rsh}${sshToGuest.join(' ')}`,
    `${options.sourceDestination}:${literal(options.sourcePath.replace(/\/+$/, ''))}/`,
    mustBeThere(options.targetPath),
  ];
}

/**
 * A target that rsync does not make: of a last name that is missing it would make a directory, and write all into what lies
 * below a share that was unmounted since the guards looked. It cannot make a `.` (rsync 3.5.0, tried: exit code 11).
 */
export function mustBeThere(path: string): string {
  return `${path.replace(/\/+$/, '')}${here}`;
}

const here = '/./';

/** The target of a pass, for a message: ends with a slash. */
export function targetOf(argv: readonly string[]): string {
  const target = argv.at(-1) ?? '';
  return target.endsWith(here) ? target.slice(0, -2) : target;
}

/** One pass by which the node pulls a tree from a guest: the argv that the node runs, as the plan shows it. */
export function rsyncPull(options: PullOptions): string[] {
  return rsyncArgv(options, options.delete ? ['--delete-delay', `--max-delete=${options.maxDelete}`] : []);
}

/**
 * One pass that pulls exactly the names on its stdin (relative, NUL-separated) and nothing below them. A name that the
 * source does not have is deleted on the target, with all below it; `--force` lets a file take the place of a
 * directory. rsync 3.5.0 counts both kinds of deletion against `--max-delete` (tried). `--ignore-times`: a name
 * stands in the list because something says that it may differ, whatever size and mtime say. `--trust-sender`: without
 * it rsync (3.5.0, tried) takes names that it was given, of some thousand bytes, for names that nobody asked for; a pass
 * over the whole tree accepts every name anyway. The lock is shared, with `inPlaceOf` of the same pass; the pass itself
 * keeps every other one out.
 */
export function rsyncList(options: Omit<PullOptions, 'delete'>): string[] {
  const argv = rsyncArgv({ ...options, delete: false }, [
    ...['--no-r', '--dirs'],
    ...listOnly,
    `--max-delete=${options.maxDelete}`,
  ]);
  const { connection } = options;
  return argv.flatMap((argument) => {
    if (argument === '--nonblock') return ['--nonblock', sharedLock];
    if (connection === undefined || !argument.startsWith(rsh)) return [argument];
    // rsync splits it at blanks, and ssh expands a percent sign.
    if (!/^[\w./-]+$/.test(connection)) throw new TypeError(`${connection} is no plain path`);
    return [`${argument} -o ControlMaster=no -o ${socketOption}${connection}`];
  });
}

const rsh = '--rsh=';
const socketOption = 'ControlPath=';

/**
 * The ssh of a list's one connection, but for what it is to do: `-M -N -f` opens it, `-O exit` ends it. undefined where each
 * rsync has its own.
 */
export function connectionOf(
  listArgv: readonly string[],
): { readonly socket: string; readonly argv: string[] } | undefined {
  const words =
    listArgv
      .find((argument) => argument.startsWith(rsh))
      ?.slice(rsh.length)
      .split(' ') ?? [];
  const socket = words.at(-1)?.startsWith(socketOption)
    ? words.at(-1)?.slice(socketOption.length)
    : undefined;
  // As rsync takes `root@doc1:/path` apart; brackets are around an IPv6 address.
  const found = /^([^@:[]*@)?(?:\[([^\]]*)\]|([^:]*)):/.exec(listArgv.at(-2) ?? '');
  if (socket === undefined || found === null) return undefined;
  const [, user = '', address, host] = found;
  // Of an option that is given twice, ssh takes the first.
  const master = words.indexOf('ControlMaster=no');
  const others = words.toSpliced(master - 1, 2);
  return { socket, argv: [...others, '-o', 'ControlPersist=60', `${user}${address ?? host}`] };
}

/** A list that is alone with its lock. */
export function aloneOf(listArgv: readonly string[]): string[] {
  return listArgv.filter((argument) => argument !== sharedLock);
}

const sharedLock = '--shared';

/**
 * Of a list, the names of files that are there on both sides, with no other name and without holes: rsync writes what
 * differs into them, where otherwise it writes each anew, changed or not. Of a database file in which some pages changed that is
 * most of the work. No half-sent file is kept apart, and holes are none to keep. The directories above belong to the other
 * rsync alone: two that take the same attribute from one of them at once would fail.
 */
export function inPlaceOf(listArgv: readonly string[]): string[] {
  return listArgv.flatMap((argument) => {
    if (argument === '-aHAXS') return ['-aHAX', '--inplace', '--no-implied-dirs'];
    // Nothing of its list is to be deleted; one name that is missing tells that the source is not at rest.
    if (/^--max-delete=\d*[1-9]\d*$/.test(argument)) return ['--max-delete=1'];
    return argument.startsWith('--partial-dir=') ? [] : [argument];
  });
}

const listOnly = [
  '--from0',
  '--files-from=-',
  '--ignore-times',
  '--delete-missing-args',
  '--force',
  '--trust-sender',
];

/**
 * What carries the top directory's own metadata, and nothing in it: in a list, `.` would stand for all that the top
 * holds (rsync(1), --dirs).
 */
export function topOf(argv: readonly string[]): string[] {
  const rest = argv.filter(
    (argument) => !listOnly.includes(argument) && !argument.startsWith('--max-delete='),
  );
  const at = rest.indexOf('rsync') + 1;
  return [...rest.slice(0, at), '--exclude=/*', ...rest.slice(at)];
}

/** The argv that only says what `argv` would delete and send, without a limit that would cut the list short. */
export function dryRunOf(argv: readonly string[]): string[] {
  const at = argv.indexOf('rsync') + 1;
  const rest = argv.slice(at).filter((argument) => !argument.startsWith('--max-delete='));
  return [...argv.slice(0, at), '--dry-run', ...rest];
}

/** Does this pass delete? */
export function deletes(argv: readonly string[]): boolean {
  return argv.some((argument) => /^--(delete|del$)/.test(argument));
}
