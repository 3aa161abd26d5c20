import type { Marks } from '../apply/marks.ts';
import { type ApplyResult, applyPlan, type Gate } from '../apply/run.ts';
import { closeWindow, takeBack } from '../apply/window.ts';
import type { World } from '../apply/world.ts';
import { DrayageError } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';
import type { Journey } from '../plan/golden-path/facts.ts';
import { commandOf, journeyOf } from '../plan/golden-path/names.ts';
import type { Plan, Stage } from '../plan/plan.ts';
import { maintenanceError } from './errors.ts';

interface MaintenanceOptions {
  readonly plan: Plan;
  readonly world: World;
  readonly journey: Journey;
  readonly until?: Stage;
  readonly gate: (gate: Gate) => Promise<'open' | 'stay'>;
}

/**
 * Carries shares and guests to the other node, or back. A failure in the window before the hand-over takes the window
 * back: the guests start again where they were. After it nothing is taken back; run again, it goes on.
 */
export async function performMaintenance(options: MaintenanceOptions): Promise<ApplyResult> {
  const { plan, world, journey, until, gate } = options;
  const again = commandOf(journey);
  const result = await applyPlan({
    plan,
    world,
    gate,
    again,
    ...(until === undefined ? {} : { until }),
  });
  return result.error === undefined ? result : { ...result, error: toGoOn(result.error, journey, plan) };
}

/** Starts guests and workloads again where they were, when the window of a journey was left open before its hand-over. */
export async function takeWindowBack(world: World): Promise<ApplyResult> {
  const taken = await takeBack(world, new Set());
  const steps = new Map();
  if (taken.kind === 'all') {
    await closeWindow(world, true);
    return { exitCode: exitCode.rolledBack, steps };
  }
  const left = taken.kind === 'part' ? taken.left.map(({ what, error }) => `${what}: ${error}`) : [];
  world.sink({
    type: 'message',
    level: 'error',
    text: `The window could not be taken back as a whole. Left to do:\n${left.join('\n')}`,
  });
  return { exitCode: exitCode.partial, steps };
}

/** The journey whose window is open. @throws maintenance/window-open when it is that of a move */
export function openJourney({ window }: Marks): Journey | undefined {
  if (window === undefined) return undefined;
  const journey = journeyOf(window.phase);
  if (journey !== undefined) return journey;
  throw maintenanceError('maintenance/window-open', {
    seen: `the window of phase ${window.phase} is open since ${window.openedAt}`,
    next: ['drayage apply   # goes on with it', `drayage rollback --phase ${window.phase}   # takes it back`],
  });
}

/** Nothing else begins while the window of a journey is open. @throws maintenance/window-open */
export function refuseJourney({ window }: Pick<Marks, 'window'>): void {
  const journey = window === undefined ? undefined : journeyOf(window.phase);
  if (window === undefined || journey === undefined) return;
  throw maintenanceError('maintenance/window-open', {
    seen: `the window of \`${commandOf(journey).slice('drayage '.length)}\` is open since ${window.openedAt}`,
    next: [`${commandOf(journey)}   # goes on with it`],
  });
}

/** The same error, with the commands and the keys of a maintenance. */
function toGoOn(error: unknown, journey: Journey, plan: Plan): unknown {
  if (!(error instanceof DrayageError)) return error;
  const again = commandOf(journey);
  const keys = plan.phases.flatMap(({ moves }) => moves);
  const next = error.next.map((line) => {
    const key = keys.find((each) => line.includes(`maxDelete of move ${each} `));
    if (key !== undefined)
      return line
        .replace(`move ${key} `, `shares.${key.split('@')[0]}.maintenance.${journey.node} `)
        .replace(/drayage plan$/, again);
    return line.replace(/^drayage (apply|plan)\b( --until \w+)?/, again);
  });
  return new DrayageError(
    error.code,
    { meaning: error.meaning, exit: error.exit },
    {
      seen: error.seen,
      next: [...new Set(next)],
      ...(error.where === undefined ? {} : { where: error.where }),
      cause: error,
    },
  );
}
