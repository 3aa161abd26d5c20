import { quoteArgument, quoteArgv } from '../ssh/quote.ts';

/**
 * `zfs send` and `zfs receive` between two nodes, as argument vectors. Pure: the plan prints them, apply runs them.
 * Sources: zfs-send(8), zfs-receive(8), zfs-hold(8) of OpenZFS 2.3; held against the real tool by test/zfs-real/send.test.ts.
 */

/** Prints a tag a line. */
const tagsOf = (name: string) => `zfs holds -H ${name} | cut -f 2`;

/** A hold keeps a snapshot from being destroyed, by whom ever; a second one of the same tag would fail. */
const held = (name: string, tag: string) =>
  `${tagsOf(name)} | grep -qxF -- ${tag} || zfs hold ${tag} ${name}`;

/** Takes a snapshot and holds it, unless it is there and held. To be run again after any end. */
export const takeHeldSnapshot = (dataset: string, snapshot: string, tag: string): string[] => [
  'sh',
  '-ec',
  `zfs list -H -t snapshot "$1" >/dev/null 2>&1 || zfs snapshot "$1"\n${held('"$1"', '"$2"')}`,
  'sh',
  `${dataset}@${snapshot}`,
  tag,
];

const dropping = [
  'dataset=$1 tag=$2; shift 2',
  'for name; do',
  '  snapshot=$dataset@$name',
  '  zfs list -H -t snapshot "$snapshot" >/dev/null 2>&1 || continue',
  `  if ${tagsOf('"$snapshot"')} | grep -qxF -- "$tag"; then zfs release "$tag" "$snapshot"; fi`,
  `  if test -z "$(${tagsOf('"$snapshot"')})"; then zfs destroy "$snapshot"; fi`,
  'done',
];

/**
 * Takes the hold away from snapshots of one dataset and destroys them, each by its name. One that somebody else holds
 * stays, and so does everything that is not named.
 */
export const dropSnapshots = (dataset: string, snapshots: readonly string[], tag: string): string[] => [
  ...['sh', '-ec', dropping.join('\n'), 'sh', dataset, tag],
  ...snapshots,
];

/** The same, and then the dataset: zfs refuses while it has another snapshot, or a dataset below it. */
export const destroyReceived = (dataset: string, snapshots: readonly string[], tag: string): string[] => [
  ...['sh', '-ec', [...dropping, 'zfs destroy "$dataset"'].join('\n'), 'sh', dataset, tag],
  ...snapshots,
];

/** Ends with 0 when none of them is there, except those that somebody else holds. */
export const snapshotsDropped = (dataset: string, snapshots: readonly string[], tag: string): string[] => [
  'sh',
  '-c',
  [
    'dataset=$1 tag=$2; shift 2',
    'zfs list -H "$dataset" >/dev/null || exit 2',
    'for name; do',
    '  snapshot=$dataset@$name',
    '  zfs list -H -t snapshot "$snapshot" >/dev/null 2>&1 || continue',
    `  ${tagsOf('"$snapshot"')} | grep -qvxF -- "$tag" || exit 1`,
    'done',
  ].join('\n'),
  'sh',
  dataset,
  tag,
  ...snapshots,
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
  /** Set there, whatever the stream says: `recordsize: '16K'`. */
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * Keeps what has arrived when it is cut off (`-s`), and mounts nothing: without a mount point neither a reboot nor a
 * `zfs mount` by hand shows what is not complete. Read-only, so that the next increment finds the dataset as this one
 * left it. Never with `-F`, which throws away what was written there and snapshots that are newer.
 */
export const receiveSnapshot = ({ dataset, properties }: Received): string[] => [
  'zfs',
  'receive',
  '-s',
  '-u',
  ...Object.entries({ ...properties, mountpoint: 'none', readonly: 'on' }).flatMap(([name, value]) => [
    '-o',
    `${name}=${value}`,
  ]),
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

/**
 * Reads a token, on the node that sends; sends nothing. Prints `toname = dataset@snapshot` among other lines; the exit
 * code is 0 while that very snapshot is there.
 */
export const readResumeToken = (token: string): string[] => ['zfs', 'send', '-n', '-P', '-t', token];

/** Throws away what a receive that was cut off has left; the dataset is as the last whole one made it. */
export const abortReceive = (dataset: string): string[] => ['zfs', 'receive', '-A', dataset];

/** From the receiving node to the sending one: `['ssh', '-o', 'BatchMode=yes', 'root@prom']`; takes one command line. */
export type Way = readonly string[];

const there = (way: Way, argv: readonly string[]): string => quoteArgv([...way, quoteArgv(argv)]);

export interface Pulled {
  readonly send: Omit<Sent, 'since'>;
  readonly receive: Received;
  readonly way: Way;
  /** What names of drayage's own snapshots begin with; a number follows. */
  readonly own: string;
  readonly tag: string;
  /** A file of the receiving node: what a lost connection has left behind is waited for. */
  readonly lock: string;
}

/**
 * One command for the receiving node: goes on with a receive that was cut off, if there is one; sends the snapshot
 * unless it is there; holds it. What both nodes have is found by looking: the newest snapshot here, when it is drayage's
 * own and the very same there. To be run again after any end. bash, because without `pipefail` a sender that fails in
 * the middle is not noticed; Proxmox VE has it.
 */
export function pullSnapshot({ send, receive, way, own, tag, lock }: Pulled): string[] {
  const { dataset } = receive;
  const arrived = quoteArgument(`${dataset}@${send.snapshot}`);
  const into = quoteArgv(receiveSnapshot(receive));
  const guid = ['zfs', 'get', '-Hp', '-o', 'value', 'guid'];
  const [words, source] = [sendSnapshot(send).slice(0, -1), `${send.dataset}@${send.snapshot}`];
  // Its own names need no quotes.
  const line = (before: string, after: string) =>
    `${quoteArgv(way)} ${quoteArgument(before)}"$since"${quoteArgument(after)}`;
  return [
    'bash',
    '-o',
    'pipefail',
    '-ec',
    [
      `exec 9>>${quoteArgument(lock)}; flock 9`,
      // No dataset yet, no token.
      `token=$(${quoteArgv(resumeToken(dataset))} 2>/dev/null) || token=-`,
      `if [ "$token" != - ]; then ${quoteArgv(way)} "zfs send -t $token" | ${into}; fi`,
      `if ! zfs list -H -t snapshot ${arrived} >/dev/null 2>&1; then`,
      '  newest=',
      `  if zfs list -H ${quoteArgument(dataset)} >/dev/null 2>&1; then`,
      `    newest=$(zfs list -H -o name -t snapshot -s createtxg ${quoteArgument(dataset)} | tail -n 1)`,
      '  fi',
      '  if [ -z "$newest" ]; then',
      `    ${there(way, [...words, source])} | ${into}`,
      '  else',
      '    since=$(printf %s "$newest" | cut -d @ -f 2)',
      `    [[ $since =~ ^${own}-[0-9]+$ ]] || { echo "the newest snapshot, $newest, is not drayage's" >&2; exit 1; }`,
      `    here=$(${quoteArgv(guid)} "$newest")`,
      `    there=$(${line(`${quoteArgv(guid)} ${quoteArgument(`${send.dataset}@`)}`, '')})`,
      '    [ "$here" = "$there" ] || { echo "$newest is not the snapshot of that name on the other node" >&2; exit 1; }',
      `    ${line(`${quoteArgv(words)} -i @`, ` ${quoteArgument(source)}`)} | ${into}`,
      '  fi',
      'fi',
      held(arrived, quoteArgument(tag)),
    ].join('\n'),
  ];
}

/**
 * For the receiving node; ends with 0 when both have the very snapshot, and it is held here: a guid belongs to a snapshot
 * and to what was received of it.
 */
export function sameSnapshot({
  send,
  receive,
  way,
  tag,
}: Pick<Pulled, 'send' | 'receive' | 'way' | 'tag'>): string[] {
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
    [
      `here=$(${quoteArgv(guid(receive.dataset))}); there=$(${there(way, guid(send.dataset))}); [ "$here" = "$there" ]`,
      `${tagsOf(quoteArgument(`${receive.dataset}@${send.snapshot}`))} | grep -qxF -- ${quoteArgument(tag)}`,
    ].join('\n'),
  ];
}
