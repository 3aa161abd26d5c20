import type { Step } from '../plan/plan.ts';
import { firstNotHeld } from './check.ts';
import type { World } from './world.ts';

/**
 * Looks again whether everything holds that these steps have proven; changes nothing.
 * @returns what was seen of the first thing that does not hold
 */
export async function proveAgain(steps: readonly Step[], world: World): Promise<string | undefined> {
  let seen: string | undefined;
  for (const [index, step] of steps.entries()) {
    const begun = world.now();
    world.sink({
      type: 'step-started',
      step: step.id,
      stage: step.stage,
      title: step.title,
      number: index + 1,
      of: steps.length,
    });
    const finished = (outcome: 'done' | 'failed') => {
      const seconds = Math.max(0, (world.now() - begun) / 1000);
      world.sink({ type: 'step-finished', step: step.id, outcome, seconds });
    };
    try {
      const missed = await firstNotHeld(step.proof, world, step.id, false);
      seen ??= missed?.seen;
      finished(missed === undefined ? 'done' : 'failed');
    } catch (error) {
      finished('failed');
      throw error;
    }
  }
  return seen;
}
