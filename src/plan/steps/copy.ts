import { rsyncPart } from '../../copy/bulk/part-command.ts';
import { tarStream } from '../../copy/bulk/stream-command.ts';
import { rsyncList, rsyncPull } from '../../copy/rsync-command.ts';
import { createSnapshot } from '../../zfs/commands.ts';
import { noListReason } from '../blockers/rsync.ts';
import { handedOver, type MoveContext, notHandedOver, sourceGuard } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { cutoverSnapshot, shareLayout, snapshotPath } from '../share-layout.ts';
import { quiet, targetStopped } from './stopped.ts';

/** What stays behind, relative to the source path: image stores, databases left by word, and what drayage.yaml names. */
export function excludes(context: MoveContext): string[] {
  const { move, source } = context;
  const left = Object.entries(move.databases).flatMap(([path, choice]) => (choice === 'leave' ? [path] : []));
  return [...new Set([...source.imageStores, ...left, ...move.exclude])].sort();
}

/** File systems on which a test shows that ctime tells every change (reference: docs/performance.md). */
export const provenFileSystems = new Set(['ext4', 'xfs', 'btrfs']);

/** A list of changes that is longer than this share of all entries is dropped for a pass over everything. */
export const maxShare = 0.25;

/** Why the list of changes of this source cannot be trusted, whatever happens; undefined: it can. */
export function fullPassReason(context: MoveContext): string | undefined {
  const { source, move, share, findings } = context;
  if (!provenFileSystems.has(source.fsType))
    return `${move.from.path} is ${source.fsType}: only on ext4, xfs and btrfs was it tried that ctime tells every change`;
  if (source.submounts.length > 0)
    return `${source.submounts.join(', ')} ${source.submounts.length === 1 ? 'is' : 'are'} mounted inside`;
  return noListReason(share.node, findings.nodes[share.node]);
}

/** The first copy, while everything runs. After the release it would write over the target's own data: never again. */
export function seedStep(context: MoveContext): Step {
  const { move } = context;
  const behind = excludes(context);
  const { rounds, settled } = move.copy;
  const few = `at most ${settled} ${settled === 1 ? 'entry changes' : 'entries change'}, at most ${rounds} ${rounds === 1 ? 'time' : 'times'}`;
  const reason = fullPassReason(context);
  const how =
    reason === undefined
      ? `Then both sides are read and compared, and what differs or has changed meanwhile is copied until ${few}.`
      : `The whole tree is passed over until ${few}.`;
  return {
    id: `seed ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'seed',
    title: `First copy of ${move.from.guest}:${move.from.path} to ${move.to.path}, while the workloads run`,
    why: `Most of the data is there before the window opens. ${context.share.node} pulls it over ssh; nothing passes through this machine. ${how}${behind.length === 0 ? '' : ` Left behind: ${behind.join(', ')}.`}`,
    needs: [`place ${move.name}`],
    probe: [handedOver(context)],
    operations: [pass(context, 'seed')],
    proof: [],
    undo: [],
  };
}

/** The last pass, with deletions, from a source that is stopped, fenced and quiet; then what changed is read on both sides. */
export function finalPassStep(context: MoveContext): Step {
  const { move, share } = context;
  const ownTop: Operation[] =
    move.to.as === '.'
      ? [
          {
            kind: 'run',
            host: share.node,
            argv: ['chown', `${share.owner.uid}:${share.owner.gid}`, share.path],
            what: 'the top of the share keeps its own owner',
            guards: [...context.guards, notHandedOver(context)],
          },
          {
            kind: 'run',
            host: share.node,
            argv: ['chmod', share.mode, share.path],
            what: 'and its own mode',
            guards: [...context.guards, notHandedOver(context)],
          },
        ]
      : [];
  return {
    id: `final-pass ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `Last copy of ${move.from.guest}:${move.from.path}, with deletions`,
    why: `Brings over what changed since the copy before, and removes from ${move.to.path} what is gone from the source: at most ${move.maxDelete} entries. ${reading(context)}`,
    needs: [`stop ${move.name}`],
    probe: [handedOver(context)],
    operations: [pass(context, 'final'), ...ownTop],
    proof: [compare(context, 'changed')],
    undo: [],
  };
}

function reading(context: MoveContext): string {
  const reason = fullPassReason(context);
  if (reason !== undefined)
    return `The whole tree is passed over, and every file is read on both sides, because ${reason}.`;
  return `A scan of the source alone makes the list of what changed; exactly that is copied, and read on both sides. The whole tree is passed over and read instead when the list cannot be trusted (the source guest's clock was set, or it was booted) or is longer than ${maxShare * 100} % of all entries.`;
}

/** The state that was proven, kept: what the target writes later does not disturb the full comparison. */
export function snapshotStep(context: MoveContext): Step {
  const { move, share } = context;
  const name = cutoverSnapshot(move);
  return {
    id: `snapshot ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `Snapshot ${share.dataset}@${name}`,
    why: 'The full proof reads this state after the window, while the workloads already write. It also tells later what was written since.',
    needs: [`final-pass ${move.name}`],
    probe: [handedOver(context)],
    operations: [
      {
        kind: 'run',
        host: share.node,
        argv: [
          'sh',
          '-c',
          'if zfs list -H -t snapshot -- "$1" >/dev/null 2>&1; then zfs destroy -- "$1"; fi',
          'sh',
          `${share.dataset}@${name}`,
        ],
        guards: [...context.guards, notHandedOver(context)],
        what: 'drop the snapshot of a window that was not finished, if there is one',
      },
      {
        kind: 'run',
        host: share.node,
        argv: createSnapshot({ dataset: share.dataset, snapshot: name }),
        guards: [...context.guards, notHandedOver(context)],
        what: 'take the snapshot',
      },
    ],
    proof: [
      {
        kind: 'run',
        host: share.node,
        // OpenZFS may show a snapshot that is gone as an empty directory.
        argv: ['sh', '-c', 'test -n "$(ls -A -- "$1")"', 'sh', snapshotPath(share, move)],
        expect: { exitCode: 0 },
        what: `the snapshot holds ${move.to.as}`,
      },
    ],
    undo: [],
  };
}

/** Every byte and every attribute, read on both sides. */
export function compare(context: MoveContext, scope: 'changed' | 'full'): Check {
  const { move, share } = context;
  return {
    kind: 'compare',
    move: move.name,
    source: { host: move.from.guest, path: move.from.path },
    target: { host: share.node, path: scope === 'full' ? snapshotPath(share, move) : move.to.path },
    scope,
    exclude: excludes(context),
    ...(scope === 'full'
      ? { inside: { host: move.to.guest, path: move.from.path, live: move.to.path } }
      : {}),
    what:
      scope === 'full'
        ? `content and metadata of ${move.from.guest}:${move.from.path} and of the snapshot are equal, and ${move.to.guest} reads the same through virtiofs`
        : fullPassReason(context) === undefined
          ? 'content and metadata of exactly what the last copy carried are equal on both sides'
          : 'content and metadata of everything are equal on both sides',
  };
}

function pass(context: MoveContext, kind: 'seed' | 'final'): Operation {
  const { move, share, sourceGuest } = context;
  const behind = excludes(context);
  const topIsShare = move.to.as === '.';
  const options = {
    sourceDestination: sourceGuest.config.sshFromNode,
    sourcePath: move.from.path,
    targetPath: move.to.path,
    exclude: behind,
    maxDelete: move.maxDelete,
    sudo: sourceGuest.config.sudo,
    protectMarker: topIsShare,
    lock: `/run/lock/drayage-${move.name}.lock`,
    // Only root can make a file there; in /run/lock everybody can.
    connection: `/run/drayage-${move.name}.ssh`,
    partialFolder: `${shareLayout(share.path).folder}/partial`,
  };
  const reason = fullPassReason(context);
  const { rounds, settled, processes } = move.copy;
  return {
    kind: 'copy',
    move: move.name,
    pass: kind,
    host: share.node,
    source: { host: move.from.guest, path: move.from.path },
    target: { path: move.to.path, topIsShare },
    exclude: behind,
    argv: rsyncPull({ ...options, delete: kind === 'final' }),
    ...(kind === 'seed'
      ? {
          partArgv: rsyncPart(options),
          streamArgv: tarStream(options),
          rounds: { most: rounds, settled, processes },
        }
      : {}),
    listArgv: rsyncList(options),
    ...(reason === undefined ? {} : { full: reason }),
    maxShare,
    maxDelete: move.maxDelete,
    guards: [
      ...context.guards,
      notHandedOver(context),
      sourceGuard(context),
      ...targetStopped(context),
      ...(kind === 'final' ? [quiet(context)] : []),
    ],
    what: kind === 'final' ? 'rsync, with deletions' : 'tar or rsync: first everything, then what changes',
  };
}
