import type { Config, MoveConfig, ShareConfig } from '../../config/config.ts';
import type { Findings } from '../../inspect/findings.ts';
import { fenceBlockers } from '../blockers/fences.ts';
import { noListReason } from '../blockers/rsync.ts';
import { type MoveContext, moveContext } from '../context.ts';
import { estimate } from '../estimate.ts';
import type { Blocker, Plan, Step } from '../plan.ts';
import { planId } from '../plan-id.ts';
import { afterSteps } from './after.ts';
import { beforeSteps, keptFor, windowSteps } from './before.ts';
import { afterBlockers, noRecord, notReached } from './blockers.ts';
import type { Choice, MoveFacts, RollbackFacts, ShareFacts } from './facts.ts';
import { shareBack } from './shares.ts';
import { targetOff } from './target-off.ts';

export interface Wanted {
  /** Names of the moves to take back. */
  readonly moves: readonly string[];
  /** Only with it is a move taken back that was handed over; and then only such a move. */
  readonly choice?: Choice;
}

/** Was the target of the move allowed to write? */
export function wasHandedOver(findings: Findings, move: string): boolean {
  return findings.moves[move]?.target?.handedOver === true;
}

/** Of the moves that are wanted, those with something to take back; the last one of the configuration first. */
export function movesToTakeBack(
  config: Config,
  findings: Findings,
  facts: RollbackFacts,
  wanted: Wanted,
): MoveConfig[] {
  return Object.values(config.moves)
    .filter(({ name }) => wanted.moves.includes(name))
    .filter(({ name }) =>
      wanted.choice !== undefined
        ? wasHandedOver(findings, name)
        : wasHandedOver(findings, name) ||
          findings.moves[name]?.target?.claimed === true ||
          (facts.moves[name]?.performed ?? []).length > 0,
    )
    .toReversed();
}

const nothing: MoveFacts = { performed: [], window: [], carryBack: 'none' };
const nothingOfShare: ShareFacts = { performed: [], snapshots: [], strangers: [] };

/**
 * The plan of the way back: pure, as the plan of the way there. Before the hand-over it takes back what drayage has
 * made; after it, it gives the workloads back to the source, with the choice that the operator has made by name.
 */
export function makeRollback(
  config: Config,
  findings: Findings,
  facts: RollbackFacts,
  wanted: Wanted,
  version: string,
): Plan {
  const moves = movesToTakeBack(config, findings, facts, wanted);
  const steps: Step[] = [];
  const blockers: Blocker[] = [];
  const notes: string[] = [];
  const estimates: Plan['estimates'] = {};
  const before = moves.filter(({ name }) => !wasHandedOver(findings, name));
  for (const move of moves) {
    const known = facts.moves[move.name] ?? nothing;
    const share = facts.shares[move.to.share] ?? nothingOfShare;
    // Another move that goes on needs the device; and before the hand-over, the target's files are to be removed.
    const off =
      before.includes(move) ||
      stays(config, findings, moves, move).some(({ to }) => to.guest === move.to.guest)
        ? undefined
        : targetOff(config, findings, move);
    blockers.push(...notReached(config, findings, move, off));
    if (!before.includes(move)) {
      const context = contextThen(config, findings, move, known);
      if (context === undefined || known.recorded === undefined) {
        blockers.push(noRecord(config, move, 'after'));
        continue;
      }
      const choice = wanted.choice ?? 'discard';
      blockers.push(...afterBlockers({ context, facts: known, share, choice, now: findings }));
      const recorded = known.recorded.plan;
      const place = findings.moves[move.name]?.source;
      const noList = noListReason(move.from.guest, findings.guests[move.from.guest]?.system);
      // Blocked: there is nowhere to go back to.
      if (place?.state !== 'directory') continue;
      steps.push(
        ...afterSteps({
          context,
          choice,
          facts: known,
          share,
          place,
          noList,
          recorded,
          ...(off === undefined ? {} : { off }),
        }),
      );
      estimates[move.name] = windowOf(
        context,
        choice === 'carry-back' && (known.carryBack !== 'none' || noList !== undefined),
      );
      continue;
    }
    if (known.performed.length === 0) blockers.push(noRecord(config, move, 'before'));
    const source = findings.guests[move.from.guest]?.system;
    if (known.window.length === 0 && source !== undefined)
      blockers.push(...fenceBlockers(config, move, source));
    steps.push(...windowSteps(move, known, contextThen(config, findings, move, known)));
    const back = beforeSteps({
      config,
      findings,
      move,
      facts: known,
      share,
      keepsGuest: stays(config, findings, before, move).some(({ to }) => to.guest === move.to.guest),
    });
    steps.push(...back.steps);
    notes.push(...back.left);
  }
  for (const share of new Set(before.map(({ to }) => to.share))) {
    const of = config.shares[share] as ShareConfig;
    const last = before.findLast(({ to }) => to.share === share) as MoveConfig;
    if (stays(config, findings, before, last).length > 0) continue;
    const known = facts.shares[share] ?? nothingOfShare;
    const dropped = steps.filter(({ id }) => id.startsWith('undo snapshot ')).map(({ move }) => move);
    const snapshots = known.snapshots.filter(
      (name) => !dropped.some((move) => name === `drayage-${move}-cutover`),
    );
    const back = shareBack(config, findings, of, { ...known, snapshots }, last.phase);
    steps.push(...back.steps);
    notes.push(...back.left, ...keptSnapshots(of, snapshots, before));
  }
  const plan = {
    format: 1 as const,
    drayage: version,
    phases: config.phases
      .map(({ name }) => ({
        name,
        moves: moves.filter(({ phase }) => phase === name).map((each) => each.name),
      }))
      .filter((phase) => phase.moves.length > 0)
      .toReversed(),
    steps,
    blockers,
    notes: [...new Set(notes)],
  };
  return { ...plan, id: planId(plan), estimates };
}

/** Moves into the same share that are not taken back. */
function stays(
  config: Config,
  findings: Findings,
  back: readonly MoveConfig[],
  move: MoveConfig,
): MoveConfig[] {
  return Object.values(config.moves).filter(
    (other) =>
      other.to.share === move.to.share &&
      !back.includes(other) &&
      findings.moves[other.name]?.target?.claimed === true,
  );
}

function keptSnapshots(
  share: ShareConfig,
  snapshots: readonly string[],
  moves: readonly MoveConfig[],
): string[] {
  const kept = snapshots.filter((name) => moves.some((move) => keptFor(move).test(name)));
  return kept.map(
    (name) =>
      `${share.dataset}@${name} keeps what the target had written before an earlier way back: zfs destroy ${share.dataset}@${name}, when nobody wants it.`,
  );
}

/** The workloads as the plan of the cutover knew them, on the share and the source as they are now. */
function contextThen(
  config: Config,
  findings: Findings,
  move: MoveConfig,
  { recorded }: MoveFacts,
): MoveContext | undefined {
  if (recorded === undefined) return undefined;
  const then = recorded.findings;
  return moveContext(
    config,
    {
      ...then,
      cluster: findings.cluster,
      nodes: findings.nodes,
      shares: findings.shares,
    },
    move,
  );
}

/** @param reads everything is read on each side in the downtime: an earlier try to carry back was cut off */
function windowOf(context: MoveContext, reads: boolean): Plan['estimates'][string] {
  const { source, units, containers } = context;
  const size = estimate(source, 2 * (units.length + containers.length));
  const read = size.seedSeconds;
  return {
    ...size,
    seedSeconds: 0,
    windowSeconds: size.windowSeconds + (reads ? read : 0),
  };
}
