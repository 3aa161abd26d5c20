import { type DrayageError, type ErrorCatalogue, errorsOf } from '../errors/error.ts';

/** What zfs and zpool refuse, in the words of zfs(8), zfsprops(7) and zpoolconcepts(7). */
export const zfsErrors = {
  'zfs/dataset-missing': { meaning: 'No dataset of that name exists in the imported pools.', exit: 1 },
  'zfs/parent-missing': {
    meaning: 'All datasets above the new one must exist: zfs create makes only the last component.',
    exit: 1,
  },
  'zfs/pool-missing': { meaning: 'No imported pool has that name.', exit: 1 },
  'zfs/already-exists': {
    meaning: 'A dataset or snapshot of that name is already there; zfs left it as it was.',
    exit: 5,
  },
  'zfs/busy': {
    meaning:
      'The file system cannot be unmounted while a process has a file or its working directory in it; a running virtiofsd holds it too.',
    exit: 5,
  },
  'zfs/no-space': {
    meaning:
      'The pool, or a quota above the dataset, has no room left for this, or the quota asked for is too small.',
    exit: 1,
  },
  'zfs/pool-read-only': { meaning: 'The pool is imported read-only: nothing on it can be changed.', exit: 5 },
  'zfs/pool-suspended': {
    meaning:
      'All I/O to the pool is suspended after a device failed; it waits until the devices are back and zpool clear is run.',
    exit: 1,
  },
  'zfs/permission': {
    meaning:
      'The user may not do this: without a delegation by zfs allow it takes root, and mounting on Linux always takes root.',
    exit: 5,
  },
  'zfs/created-not-mounted': {
    meaning:
      'The dataset was created, but not mounted: it exists now, and its mount point still shows the file system below it.',
    exit: 1,
  },
  'zfs/mount-failed': { meaning: 'The dataset exists and could not be mounted at its mount point.', exit: 1 },
  'zfs/not-mounted': { meaning: 'The dataset is not mounted.', exit: 1 },
  'zfs/already-mounted': { meaning: 'The dataset is already mounted.', exit: 1 },
  'zfs/property': { meaning: 'zfs does not know the property, or not this value of it.', exit: 2 },
  'zfs/name': { meaning: 'The name breaks the rules for dataset names.', exit: 2 },
  'zfs/has-children': {
    meaning: 'Datasets or snapshots lie below this one; zfs destroys none of them unasked.',
    exit: 5,
  },
  'zfs/snapshot-missing': { meaning: 'The dataset has no snapshot of that name.', exit: 1 },
  'zfs/snapshot-busy': {
    meaning:
      'The snapshot is held (zfs hold), being sent, or in use below .zfs/snapshot; it was not destroyed.',
    exit: 5,
  },
  'zfs/held-already': { meaning: 'The snapshot has a hold of that tag already.', exit: 5 },
  'zfs/send-needs-raw': {
    meaning:
      'The properties of an encrypted dataset can be sent only with its blocks as they are (zfs send -w).',
    exit: 5,
  },
  'zfs/receive-cut-off': {
    meaning:
      'The stream ended early or was damaged. What had arrived is kept, and zfs send -t goes on there with the token of the receiving dataset.',
    exit: 6,
  },
  'zfs/resume-stale': {
    meaning:
      'A receive was cut off, and the snapshot that it was made from is no longer there: it cannot go on, only be thrown away.',
    exit: 5,
  },
  'zfs/receive-partial': {
    meaning: 'The dataset holds what a receive that was cut off has left: that is to be ended first.',
    exit: 5,
  },
  'zfs/receive-modified': {
    meaning:
      'The receiving dataset was changed since its newest snapshot. zfs receive -F would throw these changes away.',
    exit: 5,
  },
  'zfs/receive-exists': {
    meaning: 'A whole dataset is to be received where one is already. zfs receive -F would replace it.',
    exit: 5,
  },
  'zfs/receive-no-base': {
    meaning:
      'What changed since a snapshot can be received only by a dataset whose newest snapshot is that one.',
    exit: 5,
  },
  'zfs/key-not-loaded': {
    meaning: 'The dataset is encrypted, and its key is not loaded: it can be neither mounted nor read.',
    exit: 5,
  },
  'zfs/module-missing': {
    meaning: 'The ZFS kernel module is not loaded and could not be loaded for the running kernel.',
    exit: 1,
  },
  'zfs/tool-missing': { meaning: 'The shell of this user does not find the command.', exit: 1 },
  'zfs/unreadable': {
    meaning: 'The command succeeded, and its output is not of the documented form.',
    exit: 1,
  },
  'zfs/failed': { meaning: 'The command failed with a message that drayage does not know.', exit: 1 },
} as const satisfies ErrorCatalogue;

export const zfsError = errorsOf(zfsErrors);

export type ZfsErrorCode = keyof typeof zfsErrors;

/** What is known of a zfs or zpool command that failed. */
export interface ZfsFailure {
  /** Name in drayage.yaml of the node on which it ran. */
  readonly host: string;
  readonly argv: readonly string[];
  readonly exitCode: number;
  readonly stderr: string;
}

interface Reading {
  readonly code: ZfsErrorCode;
  readonly seen: RegExp;
  /** What to type next; `named` is the first quoted name of the message, `subject` the last word of the command. */
  readonly next: (named: string, subject: string) => string[];
}

const poolOf = (name: string): string => name.split(/[/@]/, 1)[0] ?? name;
const parentOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('/'))) || name;

/**
 * stderr's first lines as OpenZFS 2.3.9 wrote them (test/zfs-real/errors.test.ts provokes each that a test can).
 * The first that matches counts, so `created-not-mounted` stands before the causes of a failed mount.
 */
const readings: readonly Reading[] = [
  {
    code: 'zfs/module-missing',
    seen: /^The ZFS modules (cannot be auto-loaded|are not loaded)\.$/m,
    next: () => ['modprobe zfs', 'dmesg | tail'],
  },
  {
    code: 'zfs/permission',
    seen: /^Permission denied the ZFS utilities must be run as root\.$|^cannot .*: permission denied$|filesystem successfully created, but it may only be mounted by root$/m,
    next: () => ['zfs allow <pool>', 'set ssh: root@<node> for this node in drayage.yaml'],
  },
  {
    code: 'zfs/created-not-mounted',
    seen: /^filesystem successfully created, but not mounted$/m,
    next: (_, subject) => [
      `zfs get mountpoint,mounted,overlay ${subject}`,
      `free the mount point, then: zfs mount ${subject}`,
    ],
  },
  {
    code: 'zfs/pool-missing',
    seen: /^cannot (create|open) '([^']*)': no such pool(?: '[^']*')?$/m,
    next: (named) => ['zpool list', `zpool import ${poolOf(named)}`],
  },
  {
    code: 'zfs/parent-missing',
    seen: /^cannot create '([^']*)': parent does not exist$/m,
    next: (named) => [`zfs create ${parentOf(named)}`, `zfs list -r ${poolOf(named)}`],
  },
  {
    code: 'zfs/dataset-missing',
    seen: /^cannot open '([^']*)': dataset does not exist$/m,
    next: (named) => [`zfs list -r ${poolOf(named)}`, 'zpool list'],
  },
  {
    code: 'zfs/already-exists',
    seen: /^cannot create (?:snapshot )?'([^']*)': dataset already exists$/m,
    next: (named) => [`zfs get all ${named}`],
  },
  {
    code: 'zfs/busy',
    seen: /^cannot (?:unmount|destroy|rename|mount) '([^']*)': (?:pool or )?dataset is busy$|^cannot unmount '([^']*)': (?:target|device) is busy$/m,
    next: (named) => [`fuser -vm ${named}`, 'pgrep -af virtiofsd'],
  },
  {
    code: 'zfs/no-space',
    seen: /^cannot (?:create|receive|set property)\b.*: (?:out of space|dataset quota exceeded)$/m,
    next: (named) => [`zfs list -o space -r ${poolOf(named) || '<pool>'}`, 'zpool list'],
  },
  {
    code: 'zfs/pool-read-only',
    seen: /^cannot .*: pool is read-only$/m,
    next: () => ['zpool get readonly', 'zpool export <pool>, then zpool import <pool>'],
  },
  {
    code: 'zfs/pool-suspended',
    seen: /pool I\/O is currently suspended$/m,
    next: () => ['zpool status -x', 'zpool clear <pool>'],
  },
  {
    code: 'zfs/resume-stale',
    seen: /^cannot resume send: '([^']*)' (?:used in the initial send no longer exists|is no longer the same snapshot used in the initial send)$/m,
    next: () => ['on the receiving node: zfs receive -A <dataset>'],
  },
  {
    code: 'zfs/send-needs-raw',
    seen: /^cannot send [^ ]+: encrypted dataset [^ ]+ may not be sent with properties without the raw flag$/m,
    next: () => ['zfs send -w'],
  },
  {
    code: 'zfs/receive-cut-off',
    seen: /^cannot receive .*: checksum mismatch or incomplete stream\.?$/m,
    next: () => ['run the same command again: it goes on', 'zfs get receive_resume_token <dataset>'],
  },
  {
    code: 'zfs/receive-partial',
    seen: /^cannot receive .*: destination [^ ]+ contains partially-complete state from "zfs receive -s"\.$/m,
    next: () => ['zfs get receive_resume_token <dataset>', 'zfs receive -A <dataset>'],
  },
  {
    code: 'zfs/receive-modified',
    seen: /^cannot receive .*: destination [^ ]+ has been modified$/m,
    next: () => ['zfs diff -FHh <dataset>@<newest snapshot> <dataset>', 'zfs get written <dataset>'],
  },
  {
    code: 'zfs/receive-exists',
    seen: /^cannot receive new filesystem stream: destination '([^']*)' exists$/m,
    next: (named) => [`zfs list -t all -r ${named}`],
  },
  {
    code: 'zfs/receive-no-base',
    seen: /^cannot receive incremental stream: (?:destination '([^']*)' does not exist|most recent snapshot of .* does not$)/m,
    next: () => ['zfs list -t snapshot -s creation <dataset>, on both nodes'],
  },
  {
    code: 'zfs/held-already',
    seen: /^cannot hold snapshot '([^']*)': tag already exists on this dataset$/m,
    next: (named) => [`zfs holds ${named}`],
  },
  {
    code: 'zfs/key-not-loaded',
    seen: /^cannot mount '([^']*)': encryption key not loaded$/m,
    next: (named) => [`zfs load-key ${named}`],
  },
  {
    code: 'zfs/not-mounted',
    seen: /^cannot unmount '([^']*)': not currently mounted$/m,
    next: (named) => [`zfs get mounted,mountpoint ${named}`],
  },
  {
    code: 'zfs/already-mounted',
    seen: /^cannot mount '([^']*)': filesystem already mounted$/m,
    next: (named) => [`zfs get mounted,mountpoint ${named}`],
  },
  {
    code: 'zfs/mount-failed',
    seen: /^cannot mount '([^']*)': /m,
    next: (named) => [`zfs get mountpoint,mounted,overlay,canmount ${named}`],
  },
  {
    code: 'zfs/property',
    seen: /^cannot (?:create|set property for) '[^']*': (?:invalid property '[^']*'|'[^']*' (?:must be|is readonly).*)$|^bad property list: invalid property|^property '[^']*' specified multiple times$|^missing '=' for property=value argument$/m,
    next: () => ['zfs get', 'man zfsprops'],
  },
  {
    code: 'zfs/name',
    seen: /^cannot create (?:snapshot )?'[^']*': (?:snapshot delimiter|invalid character|empty component|missing dataset name|multiple '@'|name is too long|trailing slash|leading slash|self reference|parent reference|pool doesn't begin)/m,
    next: () => ['correct the dataset in drayage.yaml: letters, digits, "-", "_", ".", ":" below a pool'],
  },
  {
    code: 'zfs/snapshot-missing',
    seen: /^could not find any snapshots to destroy; check snapshot names\.$/m,
    next: (_, subject) => [`zfs list -t snapshot ${subject.split('@')[0]}`],
  },
  {
    code: 'zfs/snapshot-busy',
    seen: /^cannot destroy snapshot .*: (?:dataset is busy|it's being held\..*)$/m,
    next: (_, subject) => [`zfs holds ${subject}`, 'pgrep -af "zfs send|virtiofsd"'],
  },
  {
    code: 'zfs/has-children',
    seen: /^cannot destroy '([^']*)': filesystem has (?:children|dependent clones)$/m,
    next: (named) => [`zfs list -t all -r ${named}`],
  },
];

/** The first quoted name in a message. */
const namedIn = (text: string): string => /'([^']*)'/.exec(text)?.[1] ?? '';

/**
 * Reads what a failed zfs or zpool command said. Unknown messages become `zfs/failed` with the text as it was and the
 * documented meaning of the exit status (zfs(8): 1 an error occurred, 2 invalid command line options).
 */
export function zfsFailure(failure: ZfsFailure): DrayageError {
  const command = failure.argv.join(' ');
  const text = failure.stderr.trim();
  const seen = `${failure.host}: ${command} ended with exit code ${failure.exitCode}: ${firstLines(text)}`;
  if (failure.exitCode === 127) {
    return zfsError('zfs/tool-missing', {
      seen,
      next: [
        `on ${failure.host}: command -v zfs zpool`,
        'apt install zfsutils-linux (a Proxmox VE node has it)',
      ],
    });
  }
  const reading = readings.find((each) => each.seen.test(text));
  if (reading) {
    const named = namedIn(reading.seen.exec(text)?.[0] ?? '');
    return zfsError(reading.code, { seen, next: reading.next(named, failure.argv.at(-1) ?? '') });
  }
  return zfsError('zfs/failed', {
    seen,
    next: [`on ${failure.host}: ${command}`, 'zpool status'],
    ...(failure.exitCode === 2
      ? { meaning: 'zfs was given command line options that it does not take.' }
      : {}),
  });
}

/** zfs follows some messages with pages of usage; the reader needs what stands before. */
const firstLines = (text: string): string =>
  (text.split(/^usage:/m, 1)[0] || text).trim().split('\n').slice(0, 4).join(' / ') || 'no message';
