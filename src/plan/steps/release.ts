import { handedOver, type MoveContext } from '../context.ts';
import type { Check } from '../operation.ts';
import type { Step } from '../plan.ts';
import { moveLayout, shareLayout } from '../share-layout.ts';
import { targetStopped } from './stopped.ts';

/** The only moment that allows the target to start: written when everything before it is proven. */
export function releaseStep(context: MoveContext, fenced: Step, stopped: Step): Step {
  const { share, move } = context;
  const layout = moveLayout(share.path, move.name);
  const path = layout.released;
  const content = `${JSON.stringify({ move: move.name, to: move.to.guest })}\n`;
  const there: Check = {
    kind: 'run',
    host: share.node,
    argv: ['cat', path],
    expect: { exitCode: 0, stdout: content.trimEnd() },
    what: `${move.name} is released to ${move.to.guest}`,
  };
  return {
    id: `release ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `Release ${move.name} to ${move.to.guest}`,
    why: `Until this file is in the share, the units on ${move.to.guest} refuse to start. It is written only while the source is stopped, fenced and quiet, the data is proven, and ${move.to.guest} sees the marker.`,
    needs: [`snapshot ${move.name}`],
    probe: [there],
    operations: [
      {
        kind: 'write',
        host: share.node,
        path: layout.handedOver,
        content,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        guards: [
          ...context.guards,
          ...fenced.proof,
          ...stopped.proof,
          ...targetStopped(context),
          {
            kind: 'run',
            host: move.to.guest,
            argv: ['cat', shareLayout(share.mount).marker],
            expect: { exitCode: 0, stdout: context.markerText.trimEnd() },
            what: `${move.to.guest} sees the marker through virtiofs`,
          },
        ],
        what: 'note for good that the target may write from here on',
      },
      {
        kind: 'write',
        host: share.node,
        path,
        content,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        guards: [...context.guards, handedOver(context)],
        what: 'write the release',
      },
    ],
    proof: [there],
    undo: [],
    irreversible: `From here on ${move.to.guest} writes. Going back means carrying back what it wrote, or discarding it.`,
  };
}
