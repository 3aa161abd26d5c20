import { quoteArgv } from '../../ssh/quote.ts';
import { notData } from '../not-data.ts';
import { lockedExitCode, type PullOptions, sshToGuest } from '../rsync-command.ts';

/** A record of the stream: fewer, larger reads and writes than the 20 blocks that are usual. */
const blocks = 128;
const recordBytes = blocks * 512;
/** The receiving tar says how far it is each time it has read so many records: 4 MB. */
const checkpoint = 64;
export const checkpointBytes = checkpoint * recordBytes;

const keep = ['--acls', '--xattrs', '--xattrs-include=*', '--numeric-owner', `--blocking-factor=${blocks}`];

/**
 * The sending end. `--format=posix` has times to the nanosecond, names of any bytes and length; without its `atime` and
 * `ctime` each entry is a block shorter. What vanishes or cannot be read is said and left out. Not these attributes:
 * see `rsyncArgv`.
 */
const send = [
  ...['--file=-', ...keep, '--xattrs-exclude=trusted.SGI_ACL_*', '--xattrs-exclude=btrfs.*'],
  ...['--format=posix', '--pax-option=delete=atime,delete=ctime', '--sparse', '--sort=inode'],
  ...['--one-file-system', '--ignore-failed-read', '--anchored', '--no-wildcards'],
];

/**
 * The receiving end tells how far it is, and what is wrong, and does not name what it unpacks: `--verbose` is a write for each
 * entry, and whoever reads them holds it up (a third of the time of 200,000 entries, measured).
 * `umask`: what nobody has sent yet, a directory on the way, is nobody's to read.
 */
const receive = [
  ...['tar', '--extract', '--file=-', ...keep, '--preserve-permissions', '--same-owner'],
  ...['--quoting-style=escape', `--checkpoint=${checkpoint}`, '--checkpoint-action=echo=%u'],
];

/**
 * One of several streams that fill an empty place together: the names on its stdin (`./a/b`, each ended by NUL) and all
 * below them, sent by a tar on the source guest and unpacked by one on the node. The same argv for every stream.
 * bash, for `pipefail`: its exit code is the receiving tar's if that failed, else ssh's, which is the sending tar's.
 */
export function tarStream(options: Omit<PullOptions, 'delete' | 'maxDelete' | 'partialFolder'>): string[] {
  const left = [...(options.protectMarker ? notData : []), ...options.exclude];
  const rest = [
    ...send,
    ...left.map((path) => `--exclude=./${path.replace(/^\/+|\/+$/g, '')}`),
    ...[`--directory=${options.sourcePath}`, '--null', '--files-from=-'],
  ];
  const tar = `env LC_ALL=C ${options.sudo ? 'sudo -n ' : ''}tar --create`;
  return [
    ...['flock', '--no-fork', '--nonblock', '--shared', '--conflict-exit-code', String(lockedExitCode)],
    options.lock,
    ...['bash', '-o', 'pipefail', '-c'],
    `umask 077; ${quoteArgv(sshToGuest)} "$1" "${tar} $2 $3" | LC_ALL=C ${quoteArgv(receive)} --directory="$4" 2>&1`,
    ...['bash', options.sourceDestination, '--recursion', quoteArgv(rest), options.targetPath],
  ];
}

/** The stream that carries just what it is given: directories, when all that is in them is there. */
export function directoriesOnly(streamArgv: readonly string[]): string[] {
  return streamArgv.map((argument) => (argument === '--recursion' ? '--no-recursion' : argument));
}
