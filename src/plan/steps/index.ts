import { type MoveContext, notHandedOver, type ShareContext, sourceGuard } from '../context.ts';
import type { Step } from '../plan.ts';
import { conditionsStep } from './conditions.ts';
import { finalPassStep, seedStep, snapshotStep } from './copy.ts';
import { definitionsStep } from './definitions.ts';
import { deviceStep, deviceTarget, powerCycleStep } from './device.ts';
import { fenceStep } from './fence.ts';
import { holdBackStep } from './hold-back.ts';
import { imagesStep } from './images.ts';
import { mountedStep, mountTarget, mountUnitsStep } from './mounts.ts';
import { placeStep } from './place.ts';
import { proveStep } from './prove.ts';
import { releaseStep } from './release.ts';
import { rescueStep } from './rescue.ts';
import { restartPolicyStep } from './restart-policy.ts';
import { datasetStep, mappingStep, markerStep } from './share.ts';
import { startStep } from './start.ts';
import { stopStep } from './stop.ts';

/** What a share needs before any move can use it; in the phase that uses it first. */
export function shareSteps(context: ShareContext, phase: string): Step[] {
  return [datasetStep(context, phase), markerStep(context, phase), mappingStep(context, phase)];
}

/** Every step of one move, in the order in which they are done. */
export function moveSteps(context: MoveContext): Step[] {
  const target = deviceTarget(context);
  const device = deviceStep(target);
  const fence = fenceStep(context);
  const stop = stopStep(context, [sourceGuard(context)]);
  const start = startStep(context);
  const images = imagesStep(context);
  const restartPolicy = restartPolicyStep(context);
  const conditions = conditionsStep(context);
  const held = holdBackStep(context);
  const steps = [
    placeStep(context),
    rescueStep(context),
    mountUnitsStep(mountTarget(context)),
    ...(conditions === undefined ? [] : [conditions]),
    ...(held === undefined ? [] : [held]),
    device,
    powerCycleStep(target, device, [conditions, held]),
    mountedStep(mountTarget(context)),
    ...(images.operations.length > 0 ? [images] : []),
    seedStep(context),
    definitionsStep(context),
    fence,
    stop,
    finalPassStep(context),
    snapshotStep(context),
    releaseStep(context, fence, stop),
    start,
    ...(restartPolicy === undefined ? [] : [restartPolicy]),
    proveStep(context, start),
  ];
  return steps.map((step) => ({
    ...step,
    undo: step.undo.map((operation) => ({
      ...operation,
      // Once the target may have written, nothing of a move is taken back by these any more.
      guards: [...context.guards, notHandedOver(context), ...(operation.guards ?? [])],
    })),
  }));
}
