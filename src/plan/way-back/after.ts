import { notData } from '../../copy/not-data.ts';
import { type PushOptions, rsyncPush, rsyncPushList } from '../../copy/rsync-push.ts';
import type { SourceDirectory } from '../../inspect/findings.ts';
import { createSnapshot } from '../../zfs/commands.ts';
import { handedOver, type MoveContext, sourceGuard } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import { emptyStep, type Plan, type Step } from '../plan.ts';
import { cutoverSnapshot, moveLayout, snapshotPath } from '../share-layout.ts';
import { excludes } from '../steps/copy.ts';
import { running } from '../steps/running.ts';
import { workloadList } from '../steps/workload-names.ts';
import type { Choice, MoveFacts, ShareFacts } from './facts.ts';
import { listingDifference, listingDigest } from './listing.ts';
import { cannotStart, quietTarget, stopOnTarget } from './target.ts';
import { detachTarget, staysOff, type TargetOff } from './target-off.ts';

interface After {
  readonly context: MoveContext;
  readonly choice: Choice;
  readonly facts: MoveFacts;
  readonly share: ShareFacts;
  /** The source's directory as it is now: mounted anew, it may have another device number than before the window. */
  readonly place: SourceDirectory;
  /** Why the rsync of the source guest takes no list of what is gone; undefined: it does. */
  readonly noList?: string | undefined;
  /** The plan that knew the workloads before the window. */
  readonly recorded: Plan;
  /** The target guest is off: it loses its device of the share instead of being stopped. */
  readonly off?: TargetOff;
}

/** The way back of a move that was handed over: its source starts only when its target cannot any more. */
export function afterSteps(given: After): Step[] {
  const { context, choice } = given;
  return [
    ...(choice === 'carry-back' ? sourceRead(given) : []),
    given.off === undefined ? stopOnTarget(context, given.recorded) : detachTarget(context, given.off),
    takeRelease(given),
    keep(given),
    ...(choice === 'carry-back' ? [...asLeft(given), carryBack(given), noteCarried(context)] : []),
    liftFence(given),
    startOnSource(given),
    end(given),
  ];
}

/** Beside the release: what a rollback that was cut off has done to the source. */
export function rollbackNotes(context: MoveContext) {
  const { folder } = moveLayout(context.share.path, context.move.name);
  return { begun: `${folder}/carry-back`, done: `${folder}/carried-back` };
}

/** The first name of its kind that no snapshot has: an earlier one is never written over. */
export function rollbackSnapshot(move: string, taken: readonly string[]): string {
  for (let number = 1; ; number += 1) {
    const name = `drayage-${move}-rollback-${number}`;
    if (!taken.includes(name)) return name;
  }
}

function step(context: MoveContext, id: string, rest: Partial<Step> & Pick<Step, 'title' | 'why'>): Step {
  const { move } = context;
  return {
    id: `${id} ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    ...emptyStep(),
    ...rest,
  };
}

function there(context: MoveContext, path: string, exists: boolean, what: string): Check {
  const argv = exists ? ['test', '-e', path] : ['test', '!', '-e', path];
  return { kind: 'run', host: context.share.node, argv, expect: { exitCode: 0 }, what };
}

/** Held before anything that concerns the source: the share is there, and the target cannot write any more. */
function targetIsOut(given: After): Check[] {
  const { context } = given;
  return [...context.guards, handedOver(context), notReleased(context), ...targetCannotStart(given)];
}

function targetCannotStart({ context, recorded, off }: After): Check[] {
  return off === undefined ? cannotStart(context, recorded) : staysOff(off);
}

/** Not another directory below a mount point whose file system is not there, and not an empty one. */
function placeIsThere({ context, place }: After): Check {
  return sourceGuard({ ...context, source: place });
}

/** Nothing runs in a guest that is off. */
function targetQuiet({ context, off }: After): Check[] {
  return off === undefined ? [quietTarget(context)] : [];
}

function notReleased(context: MoveContext): Check {
  const { move, share } = context;
  const what = `${move.name} is not released to ${move.to.guest} any more`;
  return there(context, moveLayout(share.path, move.name).released, false, what);
}

function takeRelease(given: After): Step {
  const { context } = given;
  const { move, share } = context;
  const { released } = moveLayout(share.path, move.name);
  const remove = (path: string, what: string, guards: Check[]): Operation => ({
    kind: 'run',
    host: share.node,
    argv: ['rm', '-f', '--', path],
    guards: [...context.guards, handedOver(context), ...guards],
    what,
  });
  return step(context, 'take-release', {
    title: `Take the release of ${move.name} away from ${move.to.guest}`,
    why: `From here on its units refuse to start on ${move.to.guest}, after a reboot too.`,
    probe: [...context.guards, notReleased(context)],
    operations: [
      remove(
        rollbackNotes(context).done,
        'what was carried back by an earlier rollback is not the latest',
        [],
      ),
      remove(
        released,
        'remove the release',
        given.off === undefined ? targetQuiet(given) : staysOff(given.off),
      ),
    ],
    proof: [notReleased(context)],
  });
}

function keep(given: After): Step {
  const {
    context,
    share: { snapshots },
  } = given;
  const { move, share } = context;
  const snapshot = rollbackSnapshot(move.name, snapshots);
  return step(context, 'keep', {
    title: `Snapshot ${share.dataset}@${snapshot}`,
    why: `What ${move.to.guest} has written is kept, whatever becomes of it. drayage never destroys this snapshot by itself.`,
    operations: [
      {
        kind: 'run',
        host: share.node,
        argv: createSnapshot({ dataset: share.dataset, snapshot }),
        guards: targetIsOut(given),
        what: 'take the snapshot',
      },
    ],
    proof: [
      {
        kind: 'run',
        host: share.node,
        argv: ['zfs', 'list', '-H', '-t', 'snapshot', '-o', 'name', `${share.dataset}@${snapshot}`],
        expect: { exitCode: 0, stdout: `${share.dataset}@${snapshot}` },
        what: 'the snapshot is there',
      },
    ],
  });
}

/** What is never carried, and drayage's own at the top of a share. */
function notCarried(context: MoveContext): string[] {
  return [...excludes(context), ...(context.move.to.as === '.' ? notData : [])];
}

/**
 * Off the clock: source and snapshot both stand still while the target runs. What is equal now, and not touched until it
 * is carried over, need not be read in the downtime.
 */
function sourceRead({ context, facts }: After): Step[] {
  const { move, share } = context;
  if (facts.carryBack !== 'none' || facts.source === undefined) return [];
  const snapshot = snapshotPath(share, move);
  return [
    step(context, 'source-read', {
      stage: 'seed',
      title: `Every file of ${move.from.guest}:${move.from.path} is read, and is as the snapshot ${cutoverSnapshot(move)} has it`,
      why: `While the workloads go on running on ${move.to.guest}: in the downtime only what was written since is read. That snapshot keeps the old data, when newer data is carried over it.`,
      proof: [
        {
          kind: 'compare',
          move: move.name,
          source: { host: move.from.guest, path: move.from.path },
          target: { host: share.node, path: snapshot },
          scope: 'full',
          exclude: notCarried(context),
          what: `content and metadata of ${move.from.guest}:${move.from.path} and of ${snapshot} are equal`,
        },
      ],
    }),
  ];
}

/** A step of its own: what lists the source holds it open, and would not be quiet. */
function asLeft({ context, facts }: After): Step[] {
  const { move } = context;
  if (facts.carryBack !== 'none' || facts.source === undefined) return [];
  return [
    step(context, 'as-left', {
      title: `${move.from.guest}:${move.from.path} is as it was read`,
      why: 'Names, metadata, inodes and change times are those from before it was read: nothing was done to it since.',
      needs: [`source-read ${move.name}`],
      proof: [
        {
          kind: 'run',
          host: move.from.guest,
          argv: listingDigest(move, move.from.path, notCarried(context), '%i %C@'),
          expect: { exitCode: 0, stdout: facts.source.state },
          what: `${move.from.guest}:${move.from.path} is as it was left, as the snapshot ${cutoverSnapshot(move)} has it`,
        },
      ],
    }),
  ];
}

/** Lifts law 1, here alone: the source is written over, by name, while two snapshots keep what both sides had. */
function carryBack(given: After): Step {
  const { context, facts, recorded, noList } = given;
  const { move, share, sourceGuest } = context;
  const notes = rollbackNotes(context);
  const exclude = notCarried(context);
  const still = [
    ...targetIsOut(given),
    ...targetQuiet(given),
    placeIsThere(given),
    ...sourceIsStill(context, recorded),
  ];
  const again = facts.carryBack === 'begun';
  const whole = again || noList !== undefined;
  const push: PushOptions = {
    destination: sourceGuest.config.sshFromNode,
    fromPath: move.to.path,
    toPath: move.from.path,
    exclude,
    maxDelete: move.maxDelete,
    sudo: sourceGuest.config.sudo,
    protectMarker: move.to.as === '.',
    lock: `/run/lock/drayage-${move.name}.lock`,
  };
  const copy = {
    move: move.name,
    host: share.node,
    from: { path: move.to.path },
    to: { host: move.from.guest, path: move.from.path },
    topIsShare: move.to.as === '.',
    exclude,
    maxDelete: move.maxDelete,
    guards: [...still, there(context, notes.begun, true, 'it is noted that the source is written to')],
  };
  return step(context, 'carry-back', {
    title: `Carry ${move.to.path} back to ${move.from.guest}:${move.from.path}, with deletions`,
    why: `What is not as the snapshot of the cutover has it, and nothing else; at most ${move.maxDelete} deletions.${again ? ' An earlier try was cut off, so the whole tree is passed over too, and every file is read on both sides.' : noList !== undefined ? ` The whole tree is passed over too, and every file is read on both sides, because ${noList}.` : ' That is read on both sides and compared; everything else was before.'}${excludes(context).length === 0 ? '' : ` Not touched: ${excludes(context).join(', ')}.`}`,
    probe: [...context.guards, there(context, notes.done, true, 'it was carried back and compared')],
    operations: [
      {
        kind: 'write',
        host: share.node,
        path: notes.begun,
        content: `${JSON.stringify({ move: move.name, to: move.from.guest })}\n`,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        guards: still,
        what: 'note that the source is written to from here on',
      },
      {
        kind: 'carry-back',
        ...copy,
        listing: listingDifference(move, { before: snapshotPath(share, move), now: move.to.path }, exclude),
        ...(noList === undefined ? {} : { goneLater: true }),
        argv: rsyncPushList(push),
        what:
          noList === undefined
            ? 'rsync of exactly what was written since, with deletions'
            : 'rsync of exactly what was written since',
      },
      ...(whole
        ? [
            {
              kind: 'carry-back' as const,
              ...copy,
              argv: rsyncPush(push),
              what: again
                ? 'rsync of the whole tree: what the earlier try has left half-done goes'
                : 'rsync of the whole tree, with deletions: what is gone goes',
            },
          ]
        : []),
    ],
    proof: [
      {
        kind: 'compare',
        move: move.name,
        source: { host: move.from.guest, path: move.from.path },
        target: { host: share.node, path: move.to.path },
        scope: whole ? 'full' : 'changed',
        exclude,
        what: `content and metadata of ${move.to.path} and of ${move.from.guest}:${move.from.path} are equal`,
      },
    ],
    irreversible: `This writes to ${move.from.guest}:${move.from.path}. What was there is kept by the snapshot ${share.dataset}@${cutoverSnapshot(move)}, what ${move.to.guest} wrote by the one before this step: do not destroy them until you are content.`,
  });
}

function noteCarried(context: MoveContext): Step {
  const { move, share } = context;
  const { done, begun } = rollbackNotes(context);
  const noted = there(context, done, true, 'it was carried back and compared');
  return step(context, 'carried-back', {
    title: `Note that ${move.name} was carried back`,
    why: 'A rollback that is cut off after this does not copy once more, over what already runs there.',
    needs: [`carry-back ${move.name}`],
    probe: [...context.guards, noted],
    operations: [
      {
        kind: 'write',
        host: share.node,
        path: done,
        content: `${JSON.stringify({ move: move.name, to: move.from.guest })}\n`,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        guards: [
          ...context.guards,
          notReleased(context),
          there(context, begun, true, 'carrying back was begun'),
        ],
        what: 'write the note',
      },
    ],
    proof: [noted],
  });
}

/** The workloads of the source as the window left them: stopped and fenced. */
function sourceIsStill(context: MoveContext, recorded: Plan): Check[] {
  const of = (id: string) => recorded.steps.find((each) => each.id === `${id} ${context.move.name}`);
  return [...(of('fence')?.proof ?? []), ...(of('stop')?.proof ?? [])];
}

/**
 * @param also besides, before each of them
 * @param each looks at everything before each operation; otherwise before the first, and at the share before the others
 */
function undoOf(given: After, id: string, each: boolean, also: readonly Check[] = []): Operation[] {
  const { context, recorded, choice } = given;
  const found = recorded.steps.find((each) => each.id === `${id} ${context.move.name}`);
  const carried: Check[] =
    choice === 'carry-back'
      ? [there(context, rollbackNotes(context).done, true, 'it was carried back and compared')]
      : [];
  const released = [...context.guards, handedOver(context), notReleased(context)];
  return (found?.undo ?? []).map((operation, index) => ({
    ...operation,
    guards: [...(each || index === 0 ? targetIsOut(given) : released), ...carried, ...also],
  }));
}

function liftFence(given: After): Step {
  const { context } = given;
  return step(context, 'lift-fence', {
    title: `Lift the fence of ${workloadList(context)} on ${context.move.from.guest}`,
    why: 'They may start there again, with the restart policies that they had before the window.',
    operations: undoOf(given, 'fence', false),
  });
}

function startOnSource(given: After): Step {
  const { context } = given;
  const runs = running(context, 'source');
  return step(context, 'start-source', {
    title: `Start on ${context.move.from.guest} what ran there before the window`,
    why: 'The downtime ends here.',
    probe: runs,
    operations: undoOf(given, 'stop', true, [placeIsThere(given)]),
    proof: runs,
  });
}

/** Last of all: from here on, the move is as it was before its cutover. */
function end(given: After): Step {
  const { context } = given;
  const { move, share } = context;
  const { handedOver: note } = moveLayout(share.path, move.name);
  const notes = rollbackNotes(context);
  return step(context, 'end', {
    stage: 'prove',
    title: `The move ${move.name} is taken back: ${move.from.guest} has its work again`,
    why: `A later \`drayage apply\` copies anew into the same place and opens a new window; \`drayage rollback\` then takes away what drayage prepared on ${move.to.guest}.`,
    needs: [`start-source ${move.name}`],
    operations: [
      {
        kind: 'run',
        host: share.node,
        // In this order: cut off in between, what is left still says that nothing is to be copied once more.
        argv: ['rm', '-f', '--', notes.begun, note, notes.done],
        guards: [
          ...context.guards,
          notReleased(context),
          ...targetCannotStart(given),
          ...running(context, 'source'),
        ],
        what: 'the target is not the one that may write any more',
      },
    ],
    proof: [there(context, note, false, `${move.name} is not handed over any more`)],
  });
}
