import type { Config, MoveConfig, ShareConfig } from '../../config/config.ts';
import type { Findings, SourceDirectory } from '../../inspect/findings.ts';
import { destroySnapshot } from '../../zfs/commands.ts';
import { shareAway } from '../blockers/share-away.ts';
import { handedOver, type MoveContext, moveContext, sourceGuard } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import { type Blocker, emptyStep, type Plan, type Step } from '../plan.ts';
import { planId } from '../plan-id.ts';
import { cutoverSnapshot, moveLayout } from '../share-layout.ts';
import { excludes } from '../steps/copy.ts';
import { listingDigest } from '../way-back/listing.ts';
import { finalizeBlocker } from './errors.ts';
import type { FinalizeFacts } from './facts.ts';

/** Everything but directories, then directories that are empty, deepest first. What stayed behind at the move stays. */
const deleteBelow = [
  'cd -- "$1" || exit 1',
  'test "$(stat -c %d:%i .)" = "$2" || { echo "$1 is another directory now" >&2; exit 1; }',
  'shift 2',
  'for name do set -- "$@" -path "./$name" -prune -o; shift; done',
  'find . -xdev -mindepth 1 "$@" ! -type d -print0 | xargs -0 -r rm -f -- &&',
  'find . -xdev -mindepth 1 "$@" -type d -print0 | LC_ALL=C sort -rz | xargs -0 -r rmdir --ignore-fail-on-non-empty --',
].join('\n');

/** Ends with 0 when nothing but directories is left below $1, without what is named after it. */
export const nothingBelow = [
  'cd -- "$1" || exit 1',
  'shift',
  'for name do set -- "$@" -path "./$name" -prune -o; shift; done',
  'test -z "$(find . -xdev -mindepth 1 "$@" ! -type d -print -quit)"',
].join('\n');

/** `-path` of find reads a pattern. */
function literal(path: string): string {
  return path.replace(/[*?[\\]/g, '\\$&');
}

/**
 * The plan that lets the old data of one move go: pure. It deletes below the source path and nowhere else, exactly what
 * was looked at, while the share is marked and mounted, the move released and proven, and the source fenced and quiet.
 * @param dropSnapshots also the snapshots of the share that keep what the move once was
 */
export function makeFinalize(
  config: Config,
  findings: Findings,
  facts: FinalizeFacts,
  wanted: { readonly move: string; readonly dropSnapshots: boolean },
  version: string,
): Plan {
  const move = config.moves[wanted.move] as MoveConfig;
  const blockers = blockersOf(config, findings, facts, move);
  const context = contextNow(config, findings, facts, move);
  const steps: Step[] = [];
  const notes: string[] = [];
  if (context !== undefined && facts.recorded !== undefined && facts.source !== undefined) {
    const snapshot = keepStep(context);
    if (snapshot === undefined) notes.push(notKept(context));
    else steps.push(snapshot);
    steps.push(asShown(context, facts.source.digest), deleteStep(context, facts.recorded.plan));
    if (wanted.dropSnapshots) steps.push(...dropStep(context, facts.snapshots));
    else notes.push(...leftSnapshots(context, facts.snapshots));
    const behind = excludes(context);
    if (behind.length > 0) notes.push(`Not touched, because it was not moved: ${behind.join(', ')}.`);
  }
  const plan = {
    format: 1 as const,
    drayage: version,
    phases: [{ name: move.phase, moves: [move.name] }],
    steps,
    blockers,
    notes,
  };
  return { ...plan, id: planId(plan), estimates: {} };
}

function blockersOf(config: Config, findings: Findings, facts: FinalizeFacts, move: MoveConfig): Blocker[] {
  const found: Blocker[] = [];
  const add = (code: Parameters<typeof finalizeBlocker>[0], seen: string, next: string[]) =>
    found.push(finalizeBlocker(code, { move: move.name, seen, next }));
  found.push(...shareAway(config, findings, move));
  if (found.length > 0) return found;
  const target = findings.moves[move.name]?.target;
  if (target?.released !== true || target.handedOver !== true) {
    add('finalize/not-released', `${move.name} is not released to ${move.to.guest}`, [
      'drayage status',
      'drayage apply',
    ]);
    return found;
  }
  if (facts.recorded === undefined)
    add('finalize/no-record', `no run beside ${config.file} has moved ${move.name}`, [
      'run drayage in the folder whose .drayage/runs has that run',
      'drayage take-over   # if that folder is lost',
    ]);
  const source = findings.moves[move.name]?.source;
  if (source?.state !== 'directory' || facts.source === undefined)
    add('finalize/not-seen', `${move.from.path} on ${move.from.guest}: ${source?.state ?? 'not inspected'}`, [
      'drayage inspect',
    ]);
  const { soakDays } = config.finalize;
  if (facts.provenAt === undefined) {
    add('finalize/not-proven', `no proof of ${move.name} is kept`, [
      `drayage verify --move ${move.name}`,
      'drayage apply',
    ]);
    return found;
  }
  const until = Date.parse(facts.provenAt) + soakDays * 86_400_000;
  if (Date.parse(findings.inspectedAt) < until)
    add('finalize/soaking', `${move.name} was proven ${facts.provenAt}; finalize.soakDays is ${soakDays}`, [
      `drayage finalize --move ${move.name}   # from ${new Date(until).toISOString()} on`,
    ]);
  return found;
}

/** The workloads as the plan of the cutover knew them; the source and the share as they are now. */
function contextNow(
  config: Config,
  findings: Findings,
  { recorded }: FinalizeFacts,
  move: MoveConfig,
): MoveContext | undefined {
  const now = findings.moves[move.name]?.source;
  if (recorded === undefined || now?.state !== 'directory') return undefined;
  const then = recorded.findings;
  const context = moveContext(
    config,
    { ...then, cluster: findings.cluster, nodes: findings.nodes, shares: findings.shares },
    move,
  );
  if (context === undefined) return undefined;
  const { device, inode, fsType, isMount, empty } = now;
  return { ...context, source: { ...context.source, device, inode, fsType, isMount, empty } };
}

function step(context: MoveContext, id: string, rest: Partial<Step> & Pick<Step, 'title' | 'why'>): Step {
  const { move } = context;
  return {
    id: `${id} ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'finalize',
    ...emptyStep(),
    ...rest,
  };
}

/** The root of a btrfs subvolume has inode 256 (btrfs(5)). */
function isSubvolume({ fsType, inode }: SourceDirectory): boolean {
  return fsType === 'btrfs' && inode === '256';
}

function keepStep(context: MoveContext): Step | undefined {
  const { move, source } = context;
  if (!isSubvolume(source)) return undefined;
  const kept = `${move.from.path.replace(/\/[^/]*$/, '')}/.drayage-${move.name}-finalize`;
  const there: Check = {
    kind: 'run',
    host: move.from.guest,
    argv: ['test', '-d', kept],
    expect: { exitCode: 0 },
    what: `${kept} is there`,
  };
  return step(context, 'keep-source', {
    title: `Snapshot of ${move.from.guest}:${move.from.path} at ${kept}`,
    why: 'The source path is a btrfs subvolume: what is deleted can be had back from here, and takes its room until this is deleted too.',
    probe: [there],
    operations: [
      {
        kind: 'run',
        host: move.from.guest,
        argv: ['btrfs', 'subvolume', 'snapshot', '-r', move.from.path, kept],
        guards: [sourceGuard(context)],
        what: 'take the snapshot',
      },
    ],
    proof: [there],
  });
}

function notKept({ move, source, share }: MoveContext): string {
  return `No snapshot of ${move.from.guest}:${move.from.path} can be taken (${source.fsType}${source.fsType === 'btrfs' ? ', not a subvolume of its own' : ''}): what is deleted there is gone. ${share.dataset}@${cutoverSnapshot(move)} holds the same data as it was when it was proven.`;
}

/** A step of its own: what lists the source holds it open, and would not be quiet. */
function asShown(context: MoveContext, digest: string): Step {
  const { move } = context;
  return step(context, 'as-shown', {
    title: `${move.from.guest}:${move.from.path} holds what was shown`,
    why: 'Nothing is deleted that was not looked at.',
    probe: [nothingLeft(context)],
    proof: [
      sourceGuard(context),
      {
        kind: 'run',
        host: move.from.guest,
        argv: listingDigest(move, move.from.path, excludes(context)),
        expect: { exitCode: 0, stdout: digest },
        what: `${move.from.path} on ${move.from.guest} holds exactly what was shown`,
      },
    ],
  });
}

function nothingLeft(context: MoveContext): Check {
  const { move } = context;
  const below = excludes(context).map(literal);
  return {
    kind: 'run',
    host: move.from.guest,
    argv: ['sh', '-c', nothingBelow, 'sh', move.from.path, ...below],
    expect: { exitCode: 0 },
    what: `nothing that was moved is left below ${move.from.path} on ${move.from.guest}`,
  };
}

function deleteStep(context: MoveContext, recorded: Plan): Step {
  const { move, share } = context;
  const exclude = excludes(context);
  const below = exclude.map(literal);
  const of = (id: string) => recorded.steps.find((each) => each.id === `${id} ${move.name}`)?.proof ?? [];
  const gone = nothingLeft(context);
  const remove: Operation = {
    kind: 'run',
    host: move.from.guest,
    argv: [
      ...['sh', '-c', deleteBelow, 'sh', move.from.path],
      `${context.source.device}:${context.source.inode}`,
      ...below,
    ],
    timeoutSeconds: 86_400,
    guards: [
      ...context.guards,
      handedOver(context),
      {
        kind: 'run',
        host: share.node,
        argv: ['test', '-e', moveLayout(share.path, move.name).released],
        expect: { exitCode: 0 },
        what: `${move.name} is released to ${move.to.guest}`,
      },
      {
        kind: 'run',
        host: share.node,
        argv: ['sh', '-c', 'test -n "$(ls -A -- "$1")"', 'sh', move.to.path],
        expect: { exitCode: 0 },
        what: `${move.to.path} holds the data`,
      },
      { kind: 'evidence', move: move.name, what: `a proof of ${move.name} without differences is kept` },
      ...of('fence'),
      ...of('stop'),
    ],
    what: `delete what lies below ${move.from.path}`,
  };
  return step(context, 'delete-source', {
    title: `Delete the old data below ${move.from.guest}:${move.from.path}`,
    why: `${move.to.guest} has run on the share since; the directory itself, the fence and what was never moved stay.`,
    probe: [gone],
    operations: [remove],
    proof: [gone],
    irreversible: 'After this there is no way back to the old data.',
  });
}

function ownSnapshots(move: MoveConfig, snapshots: readonly string[]): string[] {
  const own = new RegExp(`^drayage-${move.name}-(cutover|rollback-\\d+)$`);
  return snapshots.filter((name) => own.test(name));
}

function dropStep(context: MoveContext, snapshots: readonly string[]): Step[] {
  const { move } = context;
  const share: ShareConfig = context.share;
  const own = ownSnapshots(move, snapshots);
  if (own.length === 0) return [];
  return [
    step(context, 'drop-snapshots', {
      title: `Destroy ${own.map((name) => `${share.dataset}@${name}`).join(', ')}`,
      why: 'They keep what the move was when it was proven, and what earlier ways back have kept.',
      needs: [`delete-source ${move.name}`],
      operations: own.map((name) => ({
        kind: 'run',
        host: share.node,
        argv: destroySnapshot(share.dataset, name),
        guards: [...context.guards],
        what: `destroy ${name}`,
      })),
      irreversible: '`drayage verify` has nothing to compare with any more.',
    }),
  ];
}

function leftSnapshots({ move, share }: MoveContext, snapshots: readonly string[]): string[] {
  const own = ownSnapshots(move, snapshots);
  if (own.length === 0) return [];
  return [
    `${own.map((name) => `${share.dataset}@${name}`).join(', ')} stay: --drop-snapshots destroys them too.`,
  ];
}
