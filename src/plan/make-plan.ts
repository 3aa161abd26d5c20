import type { Config, ShareConfig } from '../config/config.ts';
import type { Findings } from '../inspect/findings.ts';
import { shareBlockers } from './blockers/cluster.ts';
import { guestBlockers } from './blockers/guests.ts';
import { handedOverBlockers, sharedWorkloadBlockers } from './blockers/moves.ts';
import { roomBlockers } from './blockers/room.ts';
import { rsyncBlockers } from './blockers/rsync.ts';
import { sourceBlockers } from './blockers/source.ts';
import { moveContext, shareContext, workloadsOf } from './context.ts';
import { estimate } from './estimate.ts';
import { planNotes } from './notes.ts';
import type { Blocker, Plan, Step } from './plan.ts';
import { planId } from './plan-id.ts';
import { fullPassReason } from './steps/copy.ts';
import { moveSteps, shareSteps } from './steps/index.ts';

/**
 * The plan: pure. The same configuration and findings give the same plan, with the same id.
 * A move whose source or guests were not seen has no steps; the blockers say why.
 */
export function makePlan(config: Config, findings: Findings, version: string): Plan {
  const steps: Step[] = [];
  const blockers: Blocker[] = [];
  const estimates: Plan['estimates'] = {};
  const sharesDone = new Set<string>();
  for (const phase of config.phases) {
    for (const name of phase.moves) {
      const move = config.moves[name];
      if (move === undefined)
        throw new Error(`phase ${phase.name} names no move: the configuration was not checked`);
      const share = config.shares[move.to.share] as ShareConfig;
      if (!sharesDone.has(share.name)) {
        sharesDone.add(share.name);
        blockers.push(...shareBlockers(config, findings, share));
        if (findings.nodes[share.node] !== undefined)
          steps.push(...shareSteps(shareContext(config, findings, share), phase.name));
      }
      blockers.push(
        ...sourceBlockers(config, findings, move),
        ...guestBlockers(config, findings, move),
        ...rsyncBlockers(config, findings, move),
        ...roomBlockers(config, findings, move),
        ...handedOverBlockers(config, findings, move),
      );
      const context = moveContext(config, findings, move);
      if (context === undefined) continue;
      steps.push(...moveSteps(context));
      const { containers, units } = workloadsOf(move, context.sourceGuest.system);
      const full = fullPassReason(context) !== undefined;
      estimates[name] = estimate(context.source, containers.length + units.length, full);
    }
  }
  const plan = {
    format: 1 as const,
    drayage: version,
    phases: config.phases.map((phase) => ({
      name: phase.name,
      moves: [...phase.moves],
      ...(phase.after === undefined ? {} : { after: phase.after }),
    })),
    steps,
    blockers: distinct([...blockers, ...sharedWorkloadBlockers(config, findings)]),
    notes: planNotes(config, findings),
  };
  return { ...plan, id: planId(plan), estimates };
}

/** Two moves of one guest meet the same obstacle: it is told once. */
function distinct(blockers: readonly Blocker[]): Blocker[] {
  const seen = new Map(blockers.map((blocker) => [`${blocker.code} ${blocker.seen}`, blocker]));
  return [...seen.values()];
}
