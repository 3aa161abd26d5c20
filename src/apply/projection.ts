import type { Plan } from '../plan/plan.ts';
import { count } from '../plan/render/words.ts';
import type { WindowPart } from './events.ts';
import type { Marks } from './marks.ts';

/** How long a window is likely to be, in seconds, and what it is made of. */
export interface Projection {
  readonly seconds: number;
  readonly parts: readonly WindowPart[];
}

/**
 * What the operator is told before the downtime. The copy's share is what the last pass over the changes took, from its
 * look at the source to the end of its comparison; without one, and for what goes over the whole tree, the estimate of
 * the plan. Moves of one window are done one after the other.
 */
export function projectWindow(plan: Plan, moves: readonly string[], marks: Marks): Projection {
  let workloads = 0;
  let guests = 0;
  let listed = 0;
  let measured = true;
  const sum = { stop: 0, copy: 0, release: 0, start: 0 };
  for (const move of moves) {
    const estimate = plan.estimates[move];
    if (estimate === undefined) continue;
    const { round, baseline } = marks.moves[move] ?? {};
    workloads += estimate.workloads;
    guests += estimate.guests ?? 0;
    sum.stop += estimate.window.stop;
    sum.release += estimate.window.release;
    sum.start += estimate.window.start;
    if (round === undefined || baseline === undefined) {
      sum.copy += estimate.window.copy;
      measured = false;
    } else {
      sum.copy += round.seconds;
      listed += round.listed;
    }
  }
  const copying = measured
    ? `copying and checking what changes, as the last pass over ${count(listed, 'entry', 'entries')} took`
    : 'copying and checking';
  const andGuests = guests === 0 ? '' : ` and ${count(guests, 'guest')}`;
  const parts = [
    { what: `stopping ${count(workloads, 'workload')}${andGuests}`, seconds: sum.stop },
    { what: copying, seconds: Math.round(sum.copy * 10) / 10 },
    { what: guests === 0 ? 'snapshot and release' : 'hand-over and migration', seconds: sum.release },
    { what: `starting ${count(workloads, 'workload')}${andGuests}`, seconds: sum.start },
  ].filter(({ seconds }) => seconds > 0);
  return { seconds: Math.ceil(parts.reduce((total, part) => total + part.seconds, 0)), parts };
}
