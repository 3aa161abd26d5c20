import { rsyncPart } from '../../copy/bulk/part-command.ts';
import { tarStream } from '../../copy/bulk/stream-command.ts';
import { notData } from '../../copy/not-data.ts';
import { type PullOptions, rsyncList, rsyncPull } from '../../copy/rsync-command.ts';
import { createSnapshot } from '../../zfs/commands.ts';
import { noListReason } from '../blockers/rsync.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { shareLayout } from '../share-layout.ts';
import { maxShare, provenFileSystems } from '../steps/copy.ts';
import { isStreamed, keyLoaded, streamHandover, streamSides } from './by-stream.ts';
import {
  absent,
  givenAway,
  isCurrent,
  isStandby,
  mounted,
  type Passage,
  type Place,
  standbyFile,
  standbyText,
} from './context.ts';
import { handoverSnapshot } from './names.ts';
import { seal, sealed, stepOf } from './step.ts';

/** As the moves of drayage.yaml have it by default. */
const effort = { most: 5, settled: 500, processes: 4 };

/** Why the whole tree has to be passed over in the window; undefined: the list of changes can be trusted. */
export function fullPass({ from, to, stream }: Passage): string | undefined {
  if (stream !== undefined) return undefined;
  return provenFileSystems.has(from.facts.fsType)
    ? noListReason(to.node, to.facts)
    : `${from.node}:${from.path} is ${from.facts.fsType}: only on ${[...provenFileSystems].join(', ')} was it tried that ctime tells every change`;
}

/** Both sides as a pass must find them: the source is the current place, the target a standby of it, or not in sight yet. */
function sides(passage: Passage): Check[] {
  if (isStreamed(passage)) return streamSides(passage);
  return [isCurrent(passage, passage.from), ...isStandby(passage, passage.to, passage.from)];
}

export function seedStep(passage: Passage): Step {
  const { from, to } = passage;
  const reason = fullPass(passage);
  return stepOf(passage, 'seed', {
    stage: 'seed',
    title: `First copy of ${from.node}:${from.path} to ${to.node}:${to.path}, while the guests run`,
    why: `${to.node} pulls it over ssh. ${reason === undefined ? 'Then both sides are read and compared, and what differs or has changed meanwhile is copied until little does.' : 'The whole tree is passed over until little changes.'} The guests go on writing: what vanishes or changes under way is looked at again.`,
    needs: [`place ${passage.key}`],
    probe: givenAway(passage),
    operations: [pass(passage, 'seed', [])],
  });
}

/** @param still no guest runs on the source */
export function finalPassStep(passage: Passage, still: readonly Check[]): Step {
  const { from, to, share } = passage;
  const reason = fullPass(passage);
  const quiet: Check = {
    kind: 'quiet',
    host: from.node,
    path: from.path,
    what: `no process on ${from.node} has a file below ${from.path} open`,
  };
  const pull = pullOptions(passage);
  const moves = (path: string) => `${shareLayout(path).folder}/moves/`;
  return stepOf(passage, 'final-pass', {
    stage: 'cutover',
    title: `Last copy of ${from.node}:${from.path} to ${to.node}:${to.path}, with deletions`,
    why: `No guest runs, so nothing changes any more. At most ${passage.maxDelete} entries are removed from ${to.node}. ${reason === undefined ? 'What changed since the copy before is found by a scan, copied, and read on both sides.' : `The whole tree is passed over, and every file is read on both sides, because ${reason}.`}`,
    needs: [`seed ${passage.key}`],
    probe: givenAway(passage),
    operations: [
      pass(passage, 'final', [...still, quiet]),
      {
        kind: 'run',
        host: to.node,
        argv: [
          ...['rsync', '-a', '--numeric-ids', '--delete', '--secluded-args'],
          `--rsh=ssh -o BatchMode=yes`,
          `${from.sshFromNode}:${moves(from.path)}`,
          moves(to.path),
        ],
        guards: [...sides(passage), ...still],
        what: 'the releases of the moves: the workloads ask for them',
      },
    ],
    proof: [
      {
        kind: 'compare',
        move: passage.key,
        source: { host: from.node, path: from.path },
        target: { host: to.node, path: to.path },
        scope: 'changed',
        exclude: [...pull.exclude],
        what:
          reason === undefined
            ? 'content and metadata of exactly what the last copy carried are equal on both sides'
            : `content and metadata of everything in ${share.name} are equal on both sides`,
      },
    ],
  });
}

function pullOptions(passage: Passage): Omit<PullOptions, 'delete'> {
  const { from, to, share, key, maxDelete } = passage;
  return {
    sourceDestination: from.sshFromNode,
    sourcePath: from.path,
    targetPath: to.path,
    // drayage's own folder differs between the two: it is never carried as data.
    exclude: notData,
    maxDelete,
    sudo: false,
    protectMarker: false,
    partialFolder: `${shareLayout(to.path).folder}/partial`,
    lock: `/run/lock/drayage-${key}.lock`,
    // Only root can make a file there. A plain path: no `@`.
    connection: `/run/drayage-${share.name}-${to.node}.ssh`,
  };
}

function pass(passage: Passage, kind: 'seed' | 'final', guards: readonly Check[]): Operation {
  const { from, to, key, maxDelete } = passage;
  const pull = pullOptions(passage);
  const reason = fullPass(passage);
  return {
    kind: 'copy',
    move: key,
    pass: kind,
    host: to.node,
    source: { host: from.node, path: from.path },
    target: { path: to.path, topIsShare: false },
    exclude: [...pull.exclude],
    argv: rsyncPull({ ...pull, delete: kind === 'final' }),
    ...(kind === 'seed' ? { partArgv: rsyncPart(pull), streamArgv: tarStream(pull), rounds: effort } : {}),
    listArgv: rsyncList(pull),
    ...(reason === undefined ? {} : { full: reason }),
    maxShare,
    maxDelete,
    guards: [...sides(passage), ...guards],
    what: kind === 'final' ? 'rsync, with deletions' : 'tar or rsync: first everything, then what changes',
  };
}

/** Where the new place is a dataset: its state as it was proven, for the full comparison after the window. */
export function snapshotStep(passage: Passage, still: readonly Check[]): Step[] {
  const { to } = passage;
  if (to.dataset === undefined) return [];
  const name = `${to.dataset}@${handoverSnapshot}`;
  const guards = [...sides(passage), ...still];
  return [
    stepOf(passage, 'snapshot', {
      stage: 'cutover',
      title: `Snapshot ${name}`,
      why: 'The full proof reads this state after the window, while the guests already write.',
      needs: [`final-pass ${passage.key}`],
      probe: givenAway(passage),
      operations: [
        {
          kind: 'run',
          host: to.node,
          argv: [
            'sh',
            '-c',
            'if zfs list -H -t snapshot -- "$1" >/dev/null 2>&1; then zfs destroy -- "$1"; fi',
            'sh',
            name,
          ],
          guards,
          what: 'drop the one of an earlier maintenance, if there is one',
        },
        {
          kind: 'run',
          host: to.node,
          argv: createSnapshot({ dataset: to.dataset, snapshot: handoverSnapshot }),
          guards,
          what: 'take the snapshot',
        },
      ],
      proof: [
        {
          kind: 'run',
          host: to.node,
          argv: ['zfs', 'list', '-H', '-t', 'snapshot', '-o', 'name', name],
          expect: { exitCode: 0, stdout: name },
          what: 'the snapshot is there',
        },
      ],
    }),
  ];
}

/**
 * The hand-over: the old place loses its marker before the new one gets it, so that at no instant two places have it.
 * Cut off in between, neither has it, and no workload starts anywhere until it is gone on.
 * @param shutAgain shuts down what was started by hand meanwhile: it found no marker, and has to let go of the share
 */
export function releaseStep(
  passage: Passage,
  still: readonly Check[],
  shutAgain: readonly Operation[],
): Step {
  const { from, to, share, marker } = passage;
  const old = shareLayout(from.path).marker;
  const now = shareLayout(to.path).marker;
  const gone = absent(from, old, `${from.node}:${from.path} has no marker any more`);
  const handedOver = [
    isCurrent(passage, to),
    gone,
    absent(to, standbyFile(to), `${to.node} is no standby any more`),
  ];
  const written = (path: string, content: string) => ({
    path,
    content: `${content}\n`,
    mode: '0644',
    owner: { uid: 0, gid: 0 },
  });
  const away = (path: string): string[] => ['rm', '-f', '--', path];
  const notes: Check = {
    kind: 'run',
    host: from.node,
    argv: ['cat', standbyFile(from)],
    expect: { exitCode: 0, stdout: standbyText(passage, to) },
    what: `${from.node} notes that ${to.node} has the current data`,
  };
  return stepOf(passage, 'release', {
    stage: 'cutover',
    title: `Hand ${share.name} over to ${to.node}`,
    why: `The marker goes from ${from.node} and comes to ${to.node}: what asserts it starts there and nowhere else, a forgotten guest included.`,
    needs: [
      to.dataset === undefined || isStreamed(passage)
        ? `final-pass ${passage.key}`
        : `snapshot ${passage.key}`,
    ],
    probe: handedOver,
    operations: [
      {
        kind: 'write',
        host: from.node,
        ...written(standbyFile(from), standbyText(passage, to)),
        unless: [notes],
        guards: [...sides(passage), ...still, ...(isStreamed(passage) ? keyLoaded(passage) : [])],
        what: `note on ${from.node} that ${to.node} has the current data`,
      },
      ...shutAgain,
      {
        kind: 'run',
        host: from.node,
        argv: away(old),
        guards: [...mounted(from), notes, ...still],
        what: `take the marker away from ${from.node}`,
      },
      // A marker that came back with a power cut would be a second one.
      kept(from),
      // What does not ask for the marker could write there until this is done.
      ...(canSeal(from) ? [seal(from, true, [absent(from, old, `${from.node} has no marker`)])] : []),
      ...(isStreamed(passage) ? streamHandover(passage, still) : []),
      ...(to.dataset === undefined ? [kept(to)] : []),
      {
        kind: 'write',
        host: to.node,
        ...written(now, marker),
        guards: [...givenAway(passage), ...mounted(to), ...still],
        what: `give it to ${to.node}`,
      },
      {
        kind: 'run',
        host: to.node,
        argv: away(standbyFile(to)),
        guards: [isCurrent(passage, to)],
        what: `${to.node} is no standby any more`,
      },
    ],
    proof: handedOver,
    irreversible: `From here on the guests write on ${to.node}. The way back is ${passage.journey.direction === 'enter' ? 'drayage maintenance leave' : `drayage maintenance enter ${passage.journey.node}`}, which carries it back.`,
  });
}

/** Of a dataset, its snapshot does this. */
const kept = (place: Place): Operation => ({
  kind: 'run',
  host: place.node,
  argv: ['sh', '-c', 'sync -f -- "$1"', 'sh', place.path],
  what: `for good, also if ${place.node} loses power now`,
});

/** Directories are made immutable, where their file system can (chattr(1)); datasets always can. */
export const canSeal = (place: Place): boolean => place.dataset !== undefined || place.facts.sealable;

export function sealStep(passage: Passage): Step {
  const { from, to } = passage;
  return stepOf(passage, 'seal', {
    stage: 'prove',
    title: `Seal ${from.node}:${from.path}`,
    why: `It has no marker, so nothing starts on it. It cannot be written to either: what lies there is the state of the hand-over, until ${to.node} is left.`,
    needs: [`release ${passage.key}`],
    probe: [sealed(from, true)],
    operations: [
      seal(from, true, [
        isCurrent(passage, to),
        absent(from, shareLayout(from.path).marker, `${from.node} has no marker`),
      ]),
    ],
    proof: [sealed(from, true)],
  });
}

/** @param inside what shows that the guests see the new place, and that their workloads run */
export function proveStep(passage: Passage, inside: readonly Check[]): Step {
  const { from, to, key } = passage;
  const whole: Check[] =
    to.dataset === undefined
      ? []
      : [
          {
            kind: 'compare',
            move: key,
            source: { host: from.node, path: from.path },
            target: {
              host: to.node,
              path: `${to.path}/.zfs/snapshot/${passage.stream?.handover ?? handoverSnapshot}`,
            },
            scope: 'full',
            exclude: [...notData],
            what: `content and metadata of ${from.node}:${from.path} and of the snapshot on ${to.node} are equal`,
          },
        ];
  return stepOf(passage, 'prove', {
    stage: 'prove',
    title: `Prove ${passage.share.name} on ${to.node}`,
    why:
      to.dataset === undefined
        ? `${to.node}:${to.path} is a directory, without snapshots: it was read and compared as a whole before the window and, of what changed, in it. What the guests see there is looked at now.`
        : 'Every byte and attribute of the sealed place is compared with the snapshot of the hand-over, and the guests are looked at from inside.',
    needs: [canSeal(from) ? `seal ${key}` : `release ${key}`],
    ...(to.dataset === undefined
      ? {}
      : {
          probe: [
            { kind: 'evidence' as const, move: key, what: `a proof of ${key} without differences is kept` },
          ],
        }),
    proof: [...whole, ...inside],
  });
}
