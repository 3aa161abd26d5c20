import type { Plan, Step } from './plan.ts';
import { planId } from './plan-id.ts';

/** States that only look wrong to those who do not know the window: it is open, and goes on from them. */
const ofAnOpenWindow = new Set(['plan/fence-without-record', 'plan/handed-over']);

/** What is known of a move whose window has begun. */
export interface Recorded {
  /** The plan of the run that opened its window. */
  readonly plan: Plan;
  /** The target may write: what the source looks like now does not matter any more. */
  readonly released: boolean;
}

/**
 * The plan with the steps of some moves as an earlier plan had them. Once a window has begun, the workloads are stopped
 * and a look at the source cannot tell any more what ran there, and with which restart policy; the plan of the run that
 * opened the window can.
 * @param recorded by move
 */
export function withRecorded(plan: Plan, recorded: ReadonlyMap<string, Recorded>): Plan {
  if (recorded.size === 0) return plan;
  const steps: Step[] = [];
  // Its phase is where the configuration has the move now: phases may have been added since.
  const stepsOf = (move: string, earlier: Plan) => {
    const phase = plan.phases.find(({ moves }) => moves.includes(move))?.name;
    return earlier.steps
      .filter((step) => step.move === move)
      .map((step) => ({ ...step, phase: phase ?? step.phase }));
  };
  const taken = new Set<string>();
  for (const step of plan.steps) {
    const earlier = step.move === undefined ? undefined : recorded.get(step.move)?.plan;
    if (step.move === undefined || earlier === undefined) steps.push(step);
    else if (!taken.has(step.move)) {
      taken.add(step.move);
      steps.push(...stepsOf(step.move, earlier));
    }
  }
  // A move that cannot be planned now (its guest is off) is still known from then.
  for (const [move, { plan: earlier }] of recorded) {
    if (!taken.has(move) && plan.phases.some((phase) => phase.moves.includes(move))) {
      steps.push(...stepsOf(move, earlier));
    }
  }
  const blockers = plan.blockers.filter((blocker) => {
    const known = blocker.move === undefined ? undefined : recorded.get(blocker.move);
    return known === undefined || (!known.released && !ofAnOpenWindow.has(blocker.code));
  });
  const { id: _id, estimates, ...rest } = plan;
  return { ...rest, steps, blockers, id: planId({ ...rest, steps, blockers }), estimates };
}
