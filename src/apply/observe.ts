import { DrayageError } from '../errors/error.ts';
import type { Plan } from '../plan/plan.ts';
import { inPlace } from './run.ts';
import type { World } from './world.ts';

export type StepState = 'in-place' | 'to-do' | 'unknown';

/** Looks at every step of a plan; changes nothing. A step without a probe is to do; one that cannot be told is unknown. */
export async function observe(plan: Plan, world: World): Promise<Map<string, StepState>> {
  const states = new Map<string, StepState>();
  for (const step of plan.steps) {
    try {
      states.set(step.id, (await inPlace(step, world)) ? 'in-place' : 'to-do');
    } catch (error) {
      // A defect of ours is not a state of the world.
      if (!(error instanceof DrayageError)) throw error;
      states.set(step.id, 'unknown');
    }
  }
  return states;
}
