import { DrayageError } from '../errors/error.ts';
import { journeyOf } from '../plan/golden-path/names.ts';
import type { Step } from '../plan/plan.ts';
import { forgetBaseline } from './baseline.ts';
import { firstNotHeld } from './check.ts';
import { type OpenWindow, setWindow } from './marks.ts';
import { perform } from './perform.ts';
import type { World } from './world.ts';

/** The step after whose beginning the target may write: nothing before it is taken back any more. */
export function isRelease(step: Pick<Step, 'id'>): boolean {
  return step.id.startsWith('release ');
}

/** Opens the window, or goes on with one that an earlier run left open. */
export async function openWindow(phase: string, expectedSeconds: number, world: World): Promise<OpenWindow> {
  const open = world.marks.get().window;
  if (open !== undefined) return open;
  const window: OpenWindow = {
    phase,
    plan: world.planId,
    run: world.runName,
    openedAt: new Date(world.now()).toISOString(),
    expectedSeconds,
    begun: [],
    released: [],
  };
  await setWindow(world.marks, window);
  return window;
}

/** On disk before the step's first operation, so that a later run knows what to take back. */
export async function noteBegun(step: Step, world: World): Promise<void> {
  const window = world.marks.get().window;
  if (window === undefined) return;
  const begun = window.begun.some((other) => other.step === step.id)
    ? window.begun
    : [
        ...window.begun,
        { step: step.id, ...(step.move === undefined ? {} : { move: step.move }), undo: step.undo },
      ];
  const move = step.move ?? step.id;
  const released =
    isRelease(step) && !window.released.includes(move) ? [...window.released, move] : window.released;
  const stops = step.id.startsWith('stop ') && window.downSince === undefined;
  const downSince = stops ? { downSince: new Date(world.now()).toISOString() } : {};
  await setWindow(world.marks, { ...window, ...downSince, begun, released });
  await noteCutover(step, world);
  if (isRelease(step) && step.move !== undefined) await forgetBaseline(step.move, true, world);
  if (stops) world.sink({ type: 'window-opened', phase: step.phase });
}

/**
 * The run that saw the workloads before they were stopped: the one that began the window, not one that goes on. A note of
 * an earlier cutover, which a rollback that was cut off at its very end has left, is not this one's.
 */
async function noteCutover(step: Step, world: World): Promise<void> {
  const marks = world.marks.get();
  const begins = step.id.startsWith('fence ') && marks.window?.run === world.runName;
  // A journey's copy is no move of drayage.yaml.
  if (step.move === undefined || journeyOf(step.phase) !== undefined) return;
  if (marks.cutovers[step.move] !== undefined && !begins) return;
  await world.marks.set({ ...marks, cutovers: { ...marks.cutovers, [step.move]: world.runName } });
}

/** The source's workloads run again: what runs there can be seen there. */
async function forgetCutovers(moves: readonly string[], world: World): Promise<void> {
  const marks = world.marks.get();
  const kept = Object.entries(marks.cutovers).filter(([move]) => !moves.includes(move));
  await world.marks.set({ ...marks, cutovers: Object.fromEntries(kept) });
}

/** The release was refused before it was written: it has not begun. */
export async function forgetRelease(step: Step, world: World): Promise<void> {
  const window = world.marks.get().window;
  if (window === undefined) return;
  await setWindow(world.marks, {
    ...window,
    released: window.released.filter((move) => move !== (step.move ?? step.id)),
  });
}

/** The downtime in seconds, and what was projected before it. */
export interface Downtime {
  readonly seconds: number;
  readonly expectedSeconds?: number;
}

/**
 * @param takenBack the workloads run on the source again
 * @returns from the first stop to now; undefined when nothing was stopped
 */
export async function closeWindow(world: World, takenBack = false): Promise<Downtime | undefined> {
  const window = world.marks.get().window;
  if (window === undefined) return undefined;
  await setWindow(world.marks, undefined);
  if (window.downSince === undefined) return undefined;
  const seconds = Math.max(0, (world.now() - Date.parse(window.downSince)) / 1000);
  const { expectedSeconds } = window;
  const downtime = { seconds, ...(expectedSeconds === undefined ? {} : { expectedSeconds }) };
  world.sink({
    type: 'window-closed',
    phase: window.phase,
    ...downtime,
    ...(takenBack ? { takenBack } : {}),
  });
  return downtime;
}

export type TakenBack =
  /** A release has begun for everything that was begun: nothing may be taken back. */
  | { readonly kind: 'nothing' }
  /** The source's workloads run again. `kept`: moves that are released and stay so. */
  | { readonly kind: 'all'; readonly kept: readonly string[] }
  /** What could not be taken back, with the error of each. */
  | { readonly kind: 'part'; readonly left: readonly { readonly what: string; readonly error: string }[] };

/**
 * A release that was noted by a run which was killed before it was written: every guard of the way back holds, and one of
 * them is that the move was not handed over. What cannot be told counts as written.
 */
async function neverWritten(move: string, window: OpenWindow, world: World): Promise<boolean> {
  const undo = window.begun.filter((begun) => begun.move === move).flatMap((begun) => begun.undo);
  const guards = new Map(
    undo.flatMap(({ guards = [] }) => guards.map((guard) => [JSON.stringify(guard), guard] as const)),
  );
  if (guards.size === 0) return false;
  try {
    return (await firstNotHeld([...guards.values()], world, move)) === undefined;
  } catch (error) {
    if (error instanceof DrayageError) return false;
    throw error;
  }
}

/**
 * Takes back the steps that began in the open window, the last one first, except those of released moves.
 * What fails is tried again after the rest: a start needs the fence gone that was put up before the stop. With it goes what
 * its step looks for before it does it: a guest that was still going down when it was to be started is off by then.
 * @param begunHere moves whose release this run has begun: its outcome may still be on its way
 */
export async function takeBack(world: World, begunHere: ReadonlySet<string>): Promise<TakenBack> {
  const window = world.marks.get().window;
  if (window === undefined) return { kind: 'nothing' };
  const released: string[] = [];
  for (const move of window.released)
    if (begunHere.has(move) || !(await neverWritten(move, window, world))) released.push(move);
  const back = window.begun.filter((begun) =>
    begun.move === undefined ? released.length === 0 : !released.includes(begun.move),
  );
  // Steps of no move stop guests for all of them: what they did cannot be taken back in part.
  const forAll =
    released.length > 0 && window.begun.some(({ move, undo }) => move === undefined && undo.length > 0);
  if (back.length === 0 || forAll) return { kind: 'nothing' };
  const all = back
    .toReversed()
    .flatMap((begun) => begun.undo.map((operation) => ({ step: begun.step, operation })));
  let left = all;
  for (let before = all.length; ; ) {
    const failed: typeof all = [];
    const errors: { what: string; error: string }[] = [];
    for (const item of left) {
      try {
        await perform(item.operation, world, item.step, true);
      } catch (error) {
        failed.push(item);
        errors.push({
          what: item.operation.what,
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
    if (failed.length === 0) {
      await forgetCutovers(
        back.flatMap((begun) => (begun.move === undefined ? [] : [begun.move])),
        world,
      );
      return { kind: 'all', kept: released };
    }
    if (failed.length === before || world.stop.aborted) return { kind: 'part', left: errors };
    before = failed.length;
    left = all.filter(
      (item) =>
        failed.includes(item) ||
        (item.operation.unless !== undefined && failed.some(({ step }) => step === item.step)),
    );
  }
}
