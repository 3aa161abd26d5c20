import type { MoveContext } from '../context.ts';
import type { Step } from '../plan.ts';
import { compare } from './copy.ts';

/** The whole proof, off the clock: every byte and attribute on both sides, and a look from inside the target guest. */
export function proveStep(context: MoveContext, started: Step): Step {
  const { move } = context;
  return {
    id: `prove ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prove',
    title: `Prove ${move.name}: content and metadata of both sides, and what ${move.to.guest} sees`,
    why: `The old data on ${move.from.guest} lies still behind its fence, so both sides can be read in full and compared. Equal sizes are not equal data.`,
    needs: [`start ${move.name}`],
    probe: [
      { kind: 'evidence', move: move.name, what: `a proof of ${move.name} without differences is kept` },
    ],
    operations: [],
    proof: [compare(context, 'full'), ...started.proof],
    undo: [],
  };
}
