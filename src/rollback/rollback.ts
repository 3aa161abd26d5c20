import { type Marks, setWindow } from '../apply/marks.ts';
import { type ApplyResult, applyPlan, type Gate } from '../apply/run.ts';
import type { World } from '../apply/world.ts';
import { DrayageError } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { rollbackError } from './errors.ts';

export interface RollbackOptions {
  readonly plan: Plan;
  readonly world: World;
  /** Moves that the plan takes back. */
  readonly moves: readonly string[];
  /** The command that goes on with this rollback. */
  readonly again: string;
  readonly gate: (gate: Gate) => Promise<'open' | 'stay'>;
}

/**
 * Goes the way back, step by step; run again, it looks at the world and goes on. What is known of the copies is
 * forgotten before the first of them is touched, and the window when its workloads run on the source again.
 * @returns exit code 7 when it has come to its end
 */
export async function performRollback(options: RollbackOptions): Promise<ApplyResult> {
  const { plan, world, moves, again } = options;
  const { marks } = world;
  refuseOthers(marks.get(), moves);
  if (plan.blockers.length === 0) {
    await forgetCopies(world, moves);
    await forgetWindow(world, handedOver(plan));
  }
  const downtimes = new Downtimes(world, plan);
  const taken = plan.steps.filter(({ id }) => /^undo (fence|stop) /.test(id)).at(-1);
  const result = await applyPlan({
    plan,
    world,
    gate: options.gate,
    back: {
      again,
      begun: (step) => downtimes.begun(step),
      async settled(step) {
        downtimes.settled(step);
        if (step === taken) await forgetWindow(world, moves);
        if (step.move !== undefined && step.id === `end ${step.move}`) await forgetCutover(world, step.move);
      },
    },
  });
  if (result.exitCode === exitCode.done) {
    await forgetWindow(world, moves);
    for (const move of moves) await forgetCutover(world, move);
    world.sink({ type: 'message', level: 'info', text: `Rolled back: ${moves.join(', ')}.` });
    return { ...result, ...downtimes.longest(), exitCode: exitCode.rolledBack };
  }
  if (result.error === undefined) return { ...result, ...downtimes.longest() };
  const unlike = moves.find((move) => result.steps.get(`source-read ${move}`) === 'failed');
  const error = unlike === undefined ? toGoOn(result.error, again) : sourceDiffers(result.error, unlike);
  return { ...result, ...downtimes.longest(), error };
}

/** From the first stop on the target to the start on the source, move by move. */
class Downtimes {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #since = new Map<string, number>();
  #longest: number | undefined;

  constructor(world: World, plan: Plan) {
    this.#world = world;
    this.#plan = plan;
  }

  begun({ id, move, phase }: Step): void {
    if (move === undefined || id !== `stop-target ${move}`) return;
    this.#since.set(move, this.#world.now());
    this.#world.sink({ type: 'window-opened', phase });
  }

  settled({ id, move, phase }: Step): void {
    const since = move === undefined || id !== `start-source ${move}` ? undefined : this.#since.get(move);
    if (since === undefined || move === undefined) return;
    const seconds = Math.max(0, (this.#world.now() - since) / 1000);
    const expected = this.#plan.estimates[move]?.windowSeconds;
    this.#longest = Math.max(seconds, this.#longest ?? 0);
    this.#world.sink({
      type: 'window-closed',
      phase,
      seconds,
      ...(expected === undefined ? {} : { expectedSeconds: expected }),
    });
  }

  longest(): { windowSeconds?: number } {
    return this.#longest === undefined ? {} : { windowSeconds: this.#longest };
  }
}

/** Nothing was stopped yet: the source has content that the snapshot of the cutover has not. */
function sourceDiffers(error: unknown, move: string): unknown {
  if (!(error instanceof DrayageError) || error.code !== 'apply/difference') return error;
  return rollbackError('rollback/source-differs', {
    seen: error.seen,
    next: [
      `drayage rollback --move ${move} --discard   # starts on what is there now`,
      'docs/recovery.md, "After the release"',
    ],
    cause: error,
  });
}

/** A window is one thing: its workloads went down together. */
export function refuseOthers({ window }: Marks, moves: readonly string[]): void {
  const others = (window?.begun ?? []).flatMap(({ move }) =>
    move === undefined || moves.includes(move) ? [] : [move],
  );
  if (window === undefined || others.length === 0) return;
  throw rollbackError('rollback/window-of-others', {
    seen: `the window of phase ${window.phase}, open since ${window.openedAt}, holds ${[...new Set(others)].join(', ')} too`,
    next: [`drayage rollback --phase ${window.phase}`, 'drayage apply   # goes on with it'],
  });
}

function handedOver(plan: Plan): string[] {
  return plan.steps.flatMap(({ id, move }) =>
    move !== undefined && id === `take-release ${move}` ? [move] : [],
  );
}

/** A later copy begins anew: neither what was equal nor what was proven holds any more. */
async function forgetCopies({ marks }: World, moves: readonly string[]): Promise<void> {
  const all = marks.get();
  const kept = Object.entries(all.moves).filter(([move]) => !moves.includes(move));
  if (kept.length === Object.keys(all.moves).length) return;
  await marks.set({ ...all, moves: Object.fromEntries(kept) });
}

/** Their window is not open any more; it is closed when nothing of others is in it. */
async function forgetWindow({ marks }: World, moves: readonly string[]): Promise<void> {
  const { window } = marks.get();
  if (window === undefined || !window.begun.some(({ move }) => move !== undefined && moves.includes(move)))
    return;
  const begun = window.begun.filter(({ move }) => move === undefined || !moves.includes(move));
  const released = window.released.filter((move) => !moves.includes(move));
  await setWindow(marks, begun.length === 0 ? undefined : { ...window, begun, released });
}

/** What runs on the source can be seen there again. */
async function forgetCutover({ marks }: World, move: string): Promise<void> {
  const all = marks.get();
  const { [move]: run, ...cutovers } = all.cutovers;
  if (run !== undefined) await marks.set({ ...all, cutovers });
}

/** The words of apply, for who has given another command. */
export function toGoOn(error: unknown, again: string): unknown {
  if (!(error instanceof DrayageError)) return error;
  const next = error.next.map((line) => (/^drayage (apply|plan|verify)\b/.test(line) ? again : line));
  return new DrayageError(
    error.code,
    { meaning: error.meaning, exit: error.exit },
    {
      seen: error.seen,
      next: [...new Set(next)],
      ...(error.where === undefined ? {} : { where: error.where }),
      cause: error.cause,
    },
  );
}
