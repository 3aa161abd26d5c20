import { type MoveContext, notHandedOver } from '../context.ts';
import type { Step } from '../plan.ts';
import { rescueText } from '../rescue.ts';
import { moveLayout } from '../share-layout.ts';
import { sameFile } from './checks.ts';

/**
 * How the workloads ran, kept beside the data before they are stopped: another controller can then take over. It comes
 * before anything is laid on the target, and later plans keep what it says of the target: cut off after the definitions,
 * these would pass for the target's own.
 */
export function rescueStep(context: MoveContext): Step {
  const { share, move } = context;
  const { rescue } = moveLayout(share.path, move.name);
  const text = rescueText(context);
  const there = sameFile(share.node, rescue, text);
  return {
    id: `rescue ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Note in the share how the workloads of ${move.name} run`,
    why: `Once they are stopped, nobody can see any more what ran, and with which restart policy; nor, once they are defined on ${move.to.guest}, what it had of them before. With this note another controller can go on, or back: drayage take-over. It holds nothing secret.`,
    needs: [`place ${move.name}`],
    probe: [there],
    operations: [
      {
        kind: 'write',
        host: share.node,
        path: rescue,
        content: text,
        mode: '0600',
        owner: { uid: 0, gid: 0 },
        guards: [...context.guards, notHandedOver(context)],
        what: 'write the note',
      },
    ],
    proof: [there],
    undo: [
      {
        kind: 'run',
        host: share.node,
        argv: ['rm', '-f', '--', rescue],
        what: 'remove the note',
      },
    ],
  };
}
