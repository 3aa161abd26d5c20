import { emptyStep, type Step } from '../plan.ts';

/** A step of a guest that is made, or fitted in; what is left out is empty. */
export function guestStep(
  { name }: { readonly name: string },
  id: string,
  rest: Partial<Step> & Pick<Step, 'title' | 'why'>,
): Step {
  return {
    id: `${id} ${name}`,
    phase: `guest ${name}`,
    stage: 'prepare',
    ...emptyStep(),
    ...rest,
  };
}
