import { quoteArgv } from '../ssh/quote.ts';

/**
 * `zfs send` and `zfs receive` between two nodes, as argument vectors. Pure: the plan prints them, apply runs them.
 * Sources: zfs-send(8), zfs-receive(8), zfs-hold(8) of OpenZFS 2.3; held against the real tool by test/zfs-real/send.test.ts.
 */

/** Keeps a snapshot from being destroyed, by whom ever, until `releaseHold`. A second hold of the same tag fails. */
export const holdSnapshot = (tag: string, dataset: string, snapshot: string): string[] => [
  'zfs',
  'hold',
  tag,
  `${dataset}@${snapshot}`,
];

export const releaseHold = (tag: string, dataset: string, snapshot: string): string[] => [
  'zfs',
  'release',
  tag,
  `${dataset}@${snapshot}`,
];

/** `snapshot<TAB>tag<TAB>time` a line; nothing when it is not held. */
export const listHolds = (dataset: string, snapshot: string): string[] => [
  'zfs',
  'holds',
  '-Hp',
  `${dataset}@${snapshot}`,
];

export interface Sent {
  readonly dataset: string;
  /** The part after `@` of the snapshot that is sent. */
  readonly snapshot: string;
  /** The snapshot that the other side has already: only what changed since is sent. */
  readonly since?: string;
  /** As stored: the other side needs no key, and can read nothing without it. An encrypted dataset is sent in no other way. */
  readonly raw: boolean;
}

/**
 * With the dataset's properties (`-p`), blocks above 128 KiB as they are (`-L`), compressed blocks as they are on disk
 * (`-c`), embedded ones too (`-e`). `-w` stands for all three, encrypted blocks as they are.
 */
export const sendSnapshot = ({ dataset, snapshot, since, raw }: Sent): string[] => [
  'zfs',
  'send',
  ...(raw ? ['-w'] : ['-L', '-e', '-c']),
  '-p',
  ...(since === undefined ? [] : ['-i', `@${since}`]),
  `${dataset}@${snapshot}`,
];

/** Bytes that the stream will have, without sending it: `parseSendSize`. */
export const sendSize = (sent: Sent): string[] => {
  const [zfs, send, ...rest] = sendSnapshot(sent);
  return [zfs as string, send as string, '-n', '-P', ...rest];
};

export interface Received {
  readonly dataset: string;
  /** Where it is to be mounted there: never what the other side's property says. */
  readonly mountpoint: string;
  /**
   * First throws away what changed here since the newest snapshot. Only for a side that is sealed: what is written on
   * it is drayage's own.
   */
  readonly rollback?: boolean;
}

/**
 * Does not mount (`-u`), keeps what has arrived when it is cut off (`-s`), and leaves the dataset read-only, so that
 * the next increment finds it as this one left it.
 */
export const receiveSnapshot = ({ dataset, mountpoint, rollback }: Received): string[] => [
  'zfs',
  'receive',
  '-s',
  '-u',
  ...(rollback ? ['-F'] : []),
  '-o',
  `mountpoint=${mountpoint}`,
  '-o',
  'readonly=on',
  dataset,
];

/** The token of a receive that was cut off, or `-`. */
export const resumeToken = (dataset: string): string[] => [
  'zfs',
  'get',
  '-Hp',
  '-o',
  'value',
  'receive_resume_token',
  dataset,
];

/** Throws away what a receive that was cut off has left; the dataset is as the last whole one made it. */
export const abortReceive = (dataset: string): string[] => ['zfs', 'receive', '-A', dataset];

/** From the sending node to the receiving one: `['ssh', '-o', 'BatchMode=yes', 'root@maint']`; takes one command line. */
export type Way = readonly string[];

const there = (way: Way, argv: readonly string[]): string => quoteArgv([...way, quoteArgv(argv)]);

export interface Carried {
  readonly send: Sent;
  readonly receive: Received;
  readonly way: Way;
}

/**
 * One command for the sending node: goes on with a receive that was cut off, if there is one, and sends the snapshot
 * unless it is there. To be run again after any end. bash, because without `pipefail` a sender that fails in the
 * middle is not noticed; Proxmox VE has it.
 */
export function carrySnapshot({ send, receive, way }: Carried): string[] {
  const arrived = `${receive.dataset}@${send.snapshot}`;
  const into = there(way, receiveSnapshot(receive));
  return [
    'bash',
    '-o',
    'pipefail',
    '-ec',
    [
      // No dataset yet, no token: what is wrong with the way shows when something is sent.
      `token=$(${there(way, resumeToken(receive.dataset))} 2>/dev/null) || token=-`,
      `if [ "$token" != - ]; then zfs send -t "$token" | ${into}; fi`,
      `${there(way, ['zfs', 'list', '-H', '-t', 'snapshot', arrived])} >/dev/null 2>&1 ||`,
      `  ${quoteArgv(sendSnapshot(send))} | ${into}`,
    ].join('\n'),
  ];
}

/** Ends with 0 when both nodes have the very snapshot: a guid belongs to one snapshot and to what was received of it. */
export function sameSnapshot({ send, receive, way }: Carried): string[] {
  const guid = (dataset: string) => [
    'zfs',
    'get',
    '-Hp',
    '-o',
    'value',
    'guid',
    `${dataset}@${send.snapshot}`,
  ];
  return [
    'bash',
    '-ec',
    `here=$(${quoteArgv(guid(send.dataset))}); there=$(${there(way, guid(receive.dataset))}); [ "$here" = "$there" ]`,
  ];
}
