import type { MoveContext } from '../context.ts';
import type { Step } from '../plan.ts';
import { moveLayout } from '../share-layout.ts';

/** The place of the move in the share, claimed for it. */
export function placeStep(context: MoveContext): Step {
  const { share, move } = context;
  const layout = moveLayout(share.path, move.name);
  const claim = `${JSON.stringify({ move: move.name, from: { guest: move.from.guest, path: move.from.path } })}\n`;
  return {
    id: `place ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Place for ${move.name}: ${move.to.path}`,
    why: 'The place is claimed for this move, so that no other move, and no data that was there before, can be synced over.',
    needs: [`marker ${share.name}`],
    probe: [
      {
        kind: 'run',
        host: share.node,
        argv: ['cat', layout.claim],
        expect: { exitCode: 0, stdout: claim.trimEnd() },
        what: `${move.to.path} is claimed for ${move.name}`,
      },
      {
        kind: 'run',
        host: share.node,
        argv: ['test', '-d', move.to.path],
        expect: { exitCode: 0 },
        what: `${move.to.path} is a directory`,
      },
    ],
    operations: [
      {
        kind: 'run',
        host: share.node,
        argv: ['mkdir', '-p', '--', move.to.path, layout.folder],
        what: 'make the directory',
        guards: [...context.guards],
      },
      {
        kind: 'write',
        host: share.node,
        path: layout.claim,
        content: claim,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        what: 'claim it',
        guards: [...context.guards],
      },
    ],
    proof: [],
    undo: [],
  };
}
