import type { MoveContext } from '../context.ts';
import type { Step } from '../plan.ts';
import { moveLayout } from '../share-layout.ts';

/** Data first, the claim after it: cut off half-way, it is still known whose the rest is. */
const giveUpPlace =
  'rm -rf --one-file-system -- "$1" && rm -f -- "$2" && rmdir --ignore-fail-on-non-empty -- "$3" && test ! -e "$2"';
/** The top of the share stays, and drayage's own folder in it. */
const giveUpTop =
  'find "$1" -xdev -mindepth 1 -maxdepth 1 ! -name .drayage ! -name .zfs -exec rm -rf --one-file-system -- {} + && rm -f -- "$2" && rmdir --ignore-fail-on-non-empty -- "$3" && test ! -e "$2"';

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
    undo: [
      {
        kind: 'run',
        host: share.node,
        argv: [
          'sh',
          '-c',
          move.to.as === '.' ? giveUpTop : giveUpPlace,
          'sh',
          move.to.path,
          layout.claim,
          layout.folder,
        ],
        timeoutSeconds: 7200,
        guards: [
          {
            kind: 'run',
            host: share.node,
            argv: ['cat', layout.claim],
            expect: { exitCode: 0, stdout: claim.trimEnd() },
            what: `${move.to.path} is claimed for ${move.name}`,
          },
        ],
        what: `remove the copy at ${move.to.path}, and the claim`,
      },
    ],
  };
}
