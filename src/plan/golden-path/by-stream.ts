import { sshToGuest } from '../../copy/rsync-command.ts';
import { getDatasetProperties } from '../../zfs/commands.ts';
import {
  abortReceive,
  dropSnapshots,
  type Pulled,
  pullSnapshot,
  sameSnapshot,
  snapshotsDropped,
  takeHeldSnapshot,
} from '../../zfs/send.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { shareLayout } from '../share-layout.ts';
import {
  absent,
  givenAway,
  isCurrent,
  type Passage,
  type Place,
  standbyFile,
  standbyText,
} from './context.ts';
import { handoverSnapshot, holdTag } from './names.ts';
import { sealed, stepOf } from './step.ts';
import { ownSnapshotsOf, type Stream } from './stream.ts';

/** A share on its way from one dataset to another. */
export type Streamed = Passage & { readonly stream: Stream };

export const isStreamed = (passage: Passage): passage is Streamed => passage.stream !== undefined;

/**
 * Not mounted, and without a mount point: what has arrived has the marker of its source in it, and a reboot or a
 * `zfs mount` must not show it. Where there is no dataset yet, the directory is empty.
 */
const unseenScript =
  'if zfs list -H -- "$1" >/dev/null 2>&1; then test "$(zfs get -Hp -o value mounted,mountpoint "$1")" = "$(printf "no\\nnone")"; else test -z "$(ls -A -- "$2" 2>/dev/null)"; fi';

export function unseen({ to, stream }: Streamed): Check[] {
  return [
    {
      kind: 'run',
      host: to.node,
      argv: ['sh', '-c', unseenScript, 'sh', stream.to, to.path],
      expect: { exitCode: 0 },
      what: `${stream.to} is mounted nowhere, and has no mount point`,
    },
    absent(to, shareLayout(to.path).marker, `${to.node}:${to.path} has no marker`),
  ];
}

/** What lies at the path is this dataset, and not what an unmounted one would show. */
function inSight({ node, path }: Place, dataset: string): Check {
  return {
    kind: 'run',
    host: node,
    argv: getDatasetProperties(dataset, ['mounted', 'mountpoint']),
    expect: { exitCode: 0, stdout: `yes\n${path}` },
    what: `${dataset} is mounted at ${node}:${path}`,
  };
}

/** Guards of what the receiving side gets: the other one is current, and nothing of this is seen. */
export const streamSides = (passage: Streamed): Check[] => [
  inSight(passage.from, passage.stream.from),
  isCurrent(passage, passage.from),
  ...unseen(passage),
];

/** It is as the last stream, or the last hand-over, left it. zfs itself refuses to receive into anything else. */
function untouched({ to, stream }: Streamed): Check {
  return {
    kind: 'run',
    host: to.node,
    argv: getDatasetProperties(stream.to, ['written']),
    expect: { exitCode: 0, stdout: '0' },
    what: `nothing was written to ${stream.to} since its newest snapshot`,
  };
}

/** The dataset goes out of sight before anything comes to it. */
export function streamPlaceStep(passage: Streamed): Step {
  const { to, from, stream, share } = passage;
  const there = to.facts.dataset !== undefined;
  // In the hand-over it comes in sight, with the note of the old place that the new one is the current one; then with the marker.
  const ready: Check = {
    kind: 'run',
    host: to.node,
    argv: [
      'sh',
      '-c',
      `test "$(cat -- "$3" 2>/dev/null)" = "$4" || test "$(cat -- "$5" 2>/dev/null)" = "$6" || { test -d "$2" && { ${unseenScript}; } && test ! -e "$3"; }`,
      'sh',
      stream.to,
      to.path,
      ...[shareLayout(to.path).marker, passage.marker],
      ...[standbyFile(to), standbyText(passage, to)],
    ],
    expect: { exitCode: 0 },
    what: `${stream.to} on ${to.node} is out of sight, or has the current data of ${share.name}`,
  };
  const parent = stream.to.slice(0, stream.to.lastIndexOf('/'));
  const above: Check = {
    kind: 'run',
    host: to.node,
    argv: ['zfs', 'list', '-H', '-o', 'name', parent],
    expect: { exitCode: 0, stdout: parent },
    what: `${parent}, in which ${stream.to} will be, exists on ${to.node}`,
  };
  const directory: Operation = {
    kind: 'run',
    host: to.node,
    argv: ['install', '-d', '-m', '0755', '--', to.path],
    guards: [isCurrent(passage, from), above],
    what: 'the directory that it will be mounted at: the mapping needs it',
  };
  const away: Operation = {
    kind: 'run',
    host: to.node,
    argv: ['zfs', 'set', 'mountpoint=none', stream.to],
    unless: unseen(passage),
    guards: [
      inSight(from, stream.from),
      isCurrent(passage, from),
      absent(to, shareLayout(to.path).marker, `${to.node}:${to.path} has no marker`),
      untouched(passage),
    ],
    what: 'unmount it, and leave it without a mount point',
  };
  return stepOf(passage, 'place', {
    stage: 'prepare',
    title: there
      ? `${stream.to} on ${to.node} is out of sight`
      : `${to.node}:${to.path} is free for ${stream.to}`,
    why: `What zfs sends has the marker of ${from.node} in it. So ${stream.to} has no mount point until it is handed over: no guest, no reboot and no \`zfs mount\` shows data there that is not the current one.`,
    probe: [ready],
    operations: there ? [away, directory] : [directory],
    proof: [ready],
  });
}

function pulled({ from, share, stream, key }: Streamed, snapshot: string): Pulled {
  return {
    send: { dataset: stream.from, snapshot, raw: stream.raw },
    receive: {
      dataset: stream.to,
      properties: {
        acltype: 'posixacl',
        xattr: 'sa',
        ...(share.recordsize === undefined ? {} : { recordsize: share.recordsize }),
      },
    },
    way: [...sshToGuest, from.sshFromNode],
    own: handoverSnapshot,
    tag: holdTag,
    lock: `/run/lock/drayage-${key}.lock`,
  };
}

/** Takes a snapshot and brings it over, unless it is there: a run that goes on in the downtime has all but the last ones. */
function carried(passage: Streamed, snapshot: string, guards: readonly Check[], what: string): Operation[] {
  const { from, to, stream } = passage;
  const unless = [isThere(passage, snapshot)];
  return [
    {
      kind: 'run',
      host: from.node,
      argv: takeHeldSnapshot(stream.from, snapshot, holdTag),
      unless,
      guards: [...guards],
      what: `snapshot @${snapshot}, held: ${what}`,
    },
    {
      kind: 'run',
      host: to.node,
      argv: pullSnapshot(pulled(passage, snapshot)),
      unless,
      guards: [...guards],
      what: `send it to ${to.node}, as what changed since the newest snapshot there`,
    },
  ];
}

function isThere(passage: Streamed, snapshot: string): Check {
  const { from, to, stream } = passage;
  return {
    kind: 'run',
    host: to.node,
    argv: sameSnapshot(pulled(passage, snapshot)),
    expect: { exitCode: 0 },
    what: `${stream.to}@${snapshot} on ${to.node} is the snapshot of ${from.node}: the same guid, held`,
  };
}

export function streamSeedStep(passage: Streamed): Step {
  const { from, to, stream, key } = passage;
  const guards = streamSides(passage);
  const { unfinished, rounds, base } = stream;
  const before: Operation[] =
    unfinished === undefined
      ? []
      : [
          {
            kind: 'run',
            host: to.node,
            argv: unfinished.there
              ? pullSnapshot(pulled(passage, unfinished.snapshot))
              : abortReceive(stream.to),
            guards,
            what: unfinished.there
              ? `go on with @${unfinished.snapshot}, which was cut off`
              : `throw away the beginning of @${unfinished.snapshot}, which ${from.node} does not have any more`,
          },
        ];
  const whats = [
    base === undefined ? 'everything' : `what changed since @${base}`,
    'what changed meanwhile',
    'and meanwhile',
  ];
  return stepOf(passage, 'seed', {
    stage: 'seed',
    title: `zfs send of ${stream.from} to ${stream.to} on ${to.node}, while the guests run`,
    why: `${to.node} pulls it over ssh, ${stream.raw ? 'encrypted as it is stored, ' : ''}with its properties. Cut off, it goes on where it was. zfs refuses a stream for a dataset that was written to: nothing there is rolled back or replaced.`,
    needs: [`place ${key}`],
    probe: givenAway(passage),
    operations: [
      ...before,
      ...rounds.flatMap((name, round) => carried(passage, name, guards, whats[round] as string)),
    ],
    proof: [isThere(passage, rounds.at(-1) as string)],
  });
}

/** The key of what was received encrypted is nowhere but with the operator. */
export function keyLoaded({ to, stream }: Streamed): Check[] {
  if (!stream.raw) return [];
  return [
    {
      kind: 'run',
      host: to.node,
      argv: getDatasetProperties(stream.to, ['keystatus']),
      expect: { exitCode: 0, stdout: 'available' },
      what: `the key of ${stream.to} is loaded on ${to.node}`,
    },
  ];
}

export function streamKeyStep(passage: Streamed): Step[] {
  const { to, from, stream, key } = passage;
  if (!stream.raw) return [];
  return [
    stepOf(passage, 'key', {
      stage: 'seed',
      title: `The key of ${stream.to} is loaded on ${to.node}`,
      why: `${stream.from} is encrypted and is sent as it is stored. What arrives is an encryption root of its own, with the key that ${from.node} uses: without it the dataset cannot be mounted, and that must not show in the downtime.`,
      needs: [`seed ${key}`],
      probe: keyLoaded(passage),
      byHand: `On ${to.node}: zfs load-key ${stream.to}`,
    }),
  ];
}

/** @param still no guest runs on the source */
export function streamFinalStep(passage: Streamed, still: readonly Check[]): Step {
  const { from, to, stream, key } = passage;
  const quiet: Check = {
    kind: 'quiet',
    host: from.node,
    path: from.path,
    what: `no process on ${from.node} has a file below ${from.path} open`,
  };
  return stepOf(passage, 'final-pass', {
    stage: 'cutover',
    title: `Last zfs send of ${stream.from} to ${stream.to} on ${to.node}`,
    why: `No guest runs, so nothing changes any more. zfs checks each record of the stream, and ends with a snapshot of the same guid only when all of it has arrived.`,
    needs: [`seed ${key}`],
    probe: givenAway(passage),
    operations: carried(
      passage,
      stream.atRest,
      [...streamSides(passage), ...still, quiet],
      'the state at rest',
    ),
    proof: [isThere(passage, stream.atRest), ...keyLoaded(passage)],
  });
}

/**
 * Between the marker's end on the old place and its begin on the new one: the old place is closed, and what it is now,
 * without a marker, is the last snapshot. So both sides begin from the same state, and the way back is an increment.
 */
export function streamHandover(passage: Streamed, still: readonly Check[]): Operation[] {
  const { from, to, stream } = passage;
  const given = [inSight(from, stream.from), ...givenAway(passage), sealed(from, true), ...still];
  const last: Check[] = [isThere(passage, stream.handover), ...given];
  const arrived = [inSight(to, stream.to)];
  const set = (property: string, what: string, guards: readonly Check[]): Operation => ({
    kind: 'run',
    host: to.node,
    argv: ['zfs', 'set', property, stream.to],
    guards: [...guards],
    unless: arrived,
    what,
  });
  return [
    ...carried(passage, stream.handover, [...given, ...unseen(passage)], 'without a marker'),
    set('readonly=off', `${stream.to} can be written to`, last),
    set(`mountpoint=${to.path}`, 'from here on it is in sight', last),
    {
      kind: 'run',
      host: to.node,
      argv: ['zfs', 'mount', stream.to],
      unless: arrived,
      guards: last,
      what: 'mount it, where zfs does not by itself (canmount=noauto)',
    },
  ];
}

/** Own snapshots that neither side needs any more, each by its name. What both have of the hand-over stays, held. */
export function pruneStep(passage: Passage): Step[] {
  const { from, to, stream, key, share } = passage;
  const taken = stream === undefined ? [] : [...stream.rounds, stream.atRest];
  const places = [from, to].flatMap((place) => {
    const names = [...new Set([...ownSnapshotsOf(place), ...taken])].filter(
      (name) => name !== stream?.handover,
    );
    return place.dataset === undefined || names.length === 0
      ? []
      : [{ place, dataset: place.dataset, names }];
  });
  if (places.length === 0) return [];
  const gone: Check[] = places.map(({ place, dataset, names }) => ({
    kind: 'run',
    host: place.node,
    argv: snapshotsDropped(dataset, names, holdTag),
    expect: { exitCode: 0 },
    what: `${dataset} on ${place.node} has none of ${names.map((name) => `@${name}`).join(', ')}, but what others hold`,
  }));
  const stays =
    stream === undefined
      ? 'rsync carries the share now.'
      : `@${stream.handover} stays on both nodes, held: the way back sends what changed since it.`;
  return [
    stepOf(passage, 'prune', {
      stage: 'prove',
      title: `Drop the snapshots of ${share.name} that were only for the way`,
      why: `They keep the space of what is deleted. ${stays}`,
      needs: [`release ${key}`],
      probe: gone,
      operations: places.map(({ place, dataset, names }) => ({
        kind: 'run',
        host: place.node,
        argv: dropSnapshots(dataset, names, holdTag),
        guards: [isCurrent(passage, to)],
        what: `destroy these on ${place.node}, by name`,
      })),
      proof: gone,
    }),
  ];
}
