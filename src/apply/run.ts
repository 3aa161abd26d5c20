import { DrayageError } from '../errors/error.ts';
import { type ExitCode, exitCode } from '../errors/exit-code.ts';
import type { Operation } from '../plan/operation.ts';
import { type Plan, type Stage, type Step, stages } from '../plan/plan.ts';
import { forgetBaseline } from './baseline.ts';
import { firstNotHeld } from './check.ts';
import { applyError } from './errors.ts';
import type { StepOutcome } from './events.ts';
import { prepareFinalPass } from './final-pass.ts';
import { perform } from './perform.ts';
import { projectWindow } from './projection.ts';
import { type Answer, whileAsked } from './waiting.ts';
import {
  closeWindow,
  type Downtime,
  forgetRelease,
  isRelease,
  noteBegun,
  openWindow,
  takeBack,
} from './window.ts';
import type { World } from './world.ts';

/** What the operator is asked before the downtime. */
export interface Gate {
  readonly phase: string;
  readonly moves: readonly string[];
  readonly expectedWindowSeconds: number;
  /** A window that an earlier run left open is still open: workloads may be down since then (ISO time). */
  readonly openSince?: string;
}

export interface ApplyOptions {
  readonly plan: Plan;
  readonly world: World;
  readonly gate: (gate: Gate) => Promise<Answer>;
  /** The last stage to be done; absent: all but `finalize`. */
  readonly until?: Stage;
  /** Only these phases; absent: all. */
  readonly phases?: readonly string[];
  /** The command that goes on with this plan; absent: `drayage apply`. */
  readonly again?: string;
  /**
   * A way back: nothing of it is taken back again when it fails, and no window is noted. `again` is the command that goes
   * on with it; `begun` is told of each step that is performed, `settled` of each that is done or in place.
   */
  readonly back?: {
    readonly again: string;
    /** Before its first operation. */
    readonly begun?: (step: Step) => void;
    readonly settled: (step: Step) => Promise<void>;
  };
}

export interface ApplyResult {
  readonly exitCode: ExitCode;
  /** Downtime, when a window was closed in this run; the longest of several. */
  readonly windowSeconds?: number;
  /** What was projected for that window. */
  readonly expectedWindowSeconds?: number;
  readonly steps: ReadonlyMap<string, StepOutcome>;
  /** Why it did not come to the end. */
  readonly error?: unknown;
}

/** All checks of the probe hold. A step without a probe is never in place. */
export async function inPlace(step: Step, world: World): Promise<boolean> {
  return step.probe.length > 0 && (await firstNotHeld(step.probe, world, step.id, false)) === undefined;
}

/**
 * Carries out a plan: each step looks first, is performed, and is proven. Stops before the downtime to ask.
 * A failure in the window before the release takes the window back; after it, nothing is ever taken back here.
 * Never throws for what went wrong in a step: the result says it.
 */
export async function applyPlan(options: ApplyOptions): Promise<ApplyResult> {
  const run = new Run(options);
  const result = await run.go();
  for (const { readers } of options.world.finals.values()) readers?.close();
  for (const waiting of options.world.prepared.values()) waiting.close();
  const error = result.error instanceof DrayageError ? { error: result.error.code } : {};
  options.world.sink({ type: 'run-finished', exitCode: result.exitCode, ...error });
  return result;
}

class Run {
  readonly plan: Plan;
  readonly world: World;
  readonly options: ApplyOptions;
  readonly selected: readonly Step[];
  readonly outcomes = new Map<string, StepOutcome>();
  downtime: Downtime | undefined;
  /** Projected at the gate, for the window at hand. */
  expected = 0;
  readonly again: string;
  /** Moves whose release this run has begun. */
  readonly releases = new Set<string>();
  /** The gate was passed for the window at hand. */
  passed = false;
  /** When the first copy of a move ended in this run, by `world.now`. */
  readonly seedEnds = new Map<string, number>();

  constructor(options: ApplyOptions) {
    this.options = options;
    this.again = options.back?.again ?? options.again ?? 'drayage apply';
    this.plan = options.plan;
    this.world = options.world;
    const last = stages.indexOf(options.until ?? 'prove');
    this.selected = options.plan.steps.filter(
      (step) => stages.indexOf(step.stage) <= last && (options.phases ?? [step.phase]).includes(step.phase),
    );
  }

  async go(): Promise<ApplyResult> {
    const { plan, world } = this;
    world.sink({ type: 'run-started', run: world.runName, plan: plan.id, steps: this.selected.length });
    try {
      refuseBlockers(plan);
      for (const [index, step] of this.selected.entries()) {
        if (world.finish.aborted) throw interrupted(step, this.again);
        const stays = await this.step(step, index);
        if (stays) return this.result(exitCode.partial);
        await this.options.back?.settled(step);
        if (step.stage === 'cutover' && !sameWindow(step, this.selected[index + 1]))
          await this.closeOwn(step);
      }
      return this.result(exitCode.done);
    } catch (error) {
      return this.failed(error);
    }
  }

  /** @returns true when the operator does not open the window */
  async step(step: Step, index: number): Promise<boolean> {
    const { world } = this;
    const { sink } = world;
    const begun = world.now();
    const finished = (outcome: StepOutcome) => {
      this.outcomes.set(step.id, outcome);
      sink({
        type: 'step-finished',
        step: step.id,
        outcome,
        seconds: Math.max(0, (world.now() - begun) / 1000),
      });
    };
    sink({
      type: 'step-started',
      step: step.id,
      stage: step.stage,
      title: step.title,
      number: index + 1,
      of: this.selected.length,
    });
    try {
      if (await inPlace(step, world)) {
        finished('in-place');
        return false;
      }
      await this.refuseReleased(step);
      await this.needs(step);
      if (step.byHand !== undefined) throw byHand(step, step.byHand);
      if (step.stage === 'cutover' && step.operations.length > 0) {
        if (!(await this.mayOpen(step, index))) return true;
        if (this.options.back === undefined) {
          await openWindow(step.phase, this.expected, world);
          await noteBegun(step, world);
          if (isRelease(step)) this.releases.add(step.move ?? step.id);
        }
      }
      this.options.back?.begun?.(step);
      if (step.id.startsWith('stop ')) await this.prepareFinal(index);
      if (makesPlace(step) && step.move !== undefined) await forgetBaseline(step.move, false, world);
      await this.operations(step);
      if (seedOf(step) !== undefined) this.seedEnds.set(step.id, world.now());
      await this.prove(step);
      finished('done');
      return false;
    } catch (error) {
      finished('failed');
      throw error;
    }
  }

  /** What the next last copy of this window needs is opened beside the stop. */
  async prepareFinal(index: number): Promise<void> {
    for (const step of this.windowSteps(index)) {
      const final = step.operations.find(isFinal);
      if (final !== undefined) return prepareFinalPass(final, this.world, step.id);
    }
  }

  async operations(step: Step): Promise<void> {
    for (const [index, operation] of step.operations.entries()) {
      if (index > 0 && this.world.finish.aborted) throw interrupted(step, this.again);
      try {
        await perform(operation, this.world, step.id);
      } catch (error) {
        if (index === 0 && isRelease(step) && error instanceof DrayageError && error.code === 'apply/guard') {
          await forgetRelease(step, this.world);
          this.releases.delete(step.move ?? step.id);
        }
        throw error;
      }
    }
  }

  async prove(step: Step): Promise<void> {
    const failed = await firstNotHeld(step.proof, this.world, step.id);
    if (failed === undefined) return;
    const code = failed.check.kind === 'compare' ? 'apply/difference' : 'apply/not-proven';
    throw applyError(code, {
      seen: `${step.title}: it must hold that ${failed.check.what}. Seen: ${failed.seen}`,
      next:
        failed.check.kind === 'compare'
          ? ['drayage verify', 'drayage apply']
          : ['drayage status', 'drayage apply'],
    });
  }

  /** What comes before the release of a move that is released is never done again: its source is behind the fence. */
  async refuseReleased(step: Step): Promise<void> {
    if (step.stage !== 'cutover' || isRelease(step)) return;
    const after = this.plan.steps.slice(this.plan.steps.indexOf(step));
    const release = after.find((other) => isRelease(other) && other.move === step.move);
    if (release === undefined || !(await inPlace(release, this.world))) return;
    const failed = await firstNotHeld(step.probe, this.world, step.id, false);
    throw applyError('apply/released', {
      seen: `${step.title}: ${failed?.check.what ?? 'not in place'} does not hold. Seen: ${failed?.seen ?? ''}`,
      next: ['drayage status', 'docs/recovery.md, "Who may write?"'],
    });
  }

  /** Steps that this run has not done are looked at; a seed is known by its marks, for it has no state of its own. */
  async needs(step: Step): Promise<void> {
    const after = this.plan.phases.find((phase) => phase.name === step.phase)?.after;
    const proofs =
      after === undefined
        ? []
        : this.plan.steps.filter((other) => other.phase === after && other.stage === 'prove');
    for (const id of [...step.needs, ...proofs.map((proof) => proof.id)]) {
      if (this.outcomes.has(id)) continue;
      const need = this.plan.steps.find((other) => other.id === id);
      if (need !== undefined && (this.seeded(need) || (await inPlace(need, this.world)))) continue;
      throw applyError('apply/needs', {
        seen: `${step.id} needs ${id}, which is not in place`,
        next: [need === undefined ? 'drayage plan' : `drayage apply --phase ${need.phase}`],
      });
    }
  }

  seeded(step: Step): boolean {
    return (
      seedOf(step) !== undefined &&
      step.move !== undefined &&
      this.world.marks.get().moves[step.move]?.seeded === true
    );
  }

  async mayOpen(step: Step, index: number): Promise<boolean> {
    if (this.passed) return true;
    const moves = this.windowMoves(index);
    const { seconds: expected, parts } = projectWindow(this.plan, moves, this.world.marks.get());
    this.expected = expected;
    const open = this.world.marks.get().window;
    this.world.sink({ type: 'gate', phase: step.phase, expectedWindowSeconds: expected, parts });
    const ask = () =>
      this.options.gate({
        phase: step.phase,
        moves,
        expectedWindowSeconds: expected,
        ...(open === undefined ? {} : { openSince: open.openedAt }),
      });
    const seeds = open === undefined && this.options.back === undefined;
    const answer = seeds
      ? await whileAsked(ask, (world) => this.seedAgain(moves, world, once), this.world)
      : await ask();
    this.passed = answer === 'open';
    if (this.passed && seeds) await this.catchUp(step, moves);
    if (!this.passed) {
      this.world.sink({
        type: 'message',
        level: 'info',
        text: `Stopped before the downtime of ${moves.join(', ')}. To go on: ${this.again}`,
      });
    }
    return this.passed;
  }

  /** What has changed since the last pass is carried while everything still runs, and the last one finds little to do. */
  async catchUp(step: Step, moves: readonly string[]): Promise<void> {
    await this.seedAgain(moves, this.world);
    if (this.world.finish.aborted) throw interrupted(step, this.again);
  }

  /** Another pass over each of these moves, where the one before did not end just now. @returns how many there were */
  async seedAgain(
    moves: readonly string[],
    world: World,
    of: (seed: Seed, world: World) => Seed | undefined = (seed) => seed,
  ): Promise<number> {
    let passes = 0;
    for (const { id, move, operations } of this.plan.steps) {
      const found = seedOf({ operations });
      const seed = found === undefined ? undefined : of(found, world);
      if (seed === undefined || move === undefined || !moves.includes(move)) continue;
      if (world.now() - (this.seedEnds.get(id) ?? Number.NEGATIVE_INFINITY) < freshMs) continue;
      await perform(seed, world, id);
      passes += 1;
      if (world.finish.aborted) break;
      this.seedEnds.set(id, world.now());
    }
    return passes;
  }

  /** The cutover steps that follow one another from here. */
  windowSteps(index: number): readonly Step[] {
    const after = this.selected.slice(index);
    const last = after.findIndex((step, at) => !sameWindow(step, after[at + 1]));
    return after.slice(0, last + 1);
  }

  /** Their moves. */
  windowMoves(index: number): string[] {
    return [...new Set(this.windowSteps(index).flatMap(({ move }) => (move === undefined ? [] : [move])))];
  }

  /** A window that another move's run left open is not this one's to close. */
  async closeOwn(step: Step): Promise<void> {
    const begun = this.world.marks.get().window?.begun ?? [];
    if (begun.some((other) => other.move === step.move)) await this.close();
    else this.passed = false;
  }

  async close(takenBack = false): Promise<void> {
    this.passed = false;
    const downtime = await closeWindow(this.world, takenBack);
    if (downtime !== undefined && downtime.seconds >= (this.downtime?.seconds ?? 0)) this.downtime = downtime;
  }

  result(code: ExitCode, error?: unknown): ApplyResult {
    return {
      exitCode: code,
      ...(this.downtime === undefined ? {} : { windowSeconds: this.downtime.seconds }),
      ...(this.downtime?.expectedSeconds === undefined
        ? {}
        : { expectedWindowSeconds: this.downtime.expectedSeconds }),
      steps: this.outcomes,
      ...(error === undefined ? {} : { error }),
    };
  }

  /** What follows from a failure: outside the window its own exit code; inside, the way back or the way on. */
  async failed(error: unknown): Promise<ApplyResult> {
    const { world } = this;
    const say = (level: 'warning' | 'error', text: string) => world.sink({ type: 'message', level, text });
    const own: ExitCode = error instanceof DrayageError ? error.exit : exitCode.failed;
    const window = world.marks.get().window;
    if (world.stop.aborted) {
      if (window !== undefined)
        say('error', `Stopped at once, within the window: workloads may be down. To go on: ${this.again}`);
      return this.result(exitCode.interrupted, error);
    }
    if (window === undefined || this.options.back !== undefined) return this.result(own, error);
    const taken = await takeBack(world, this.releases);
    if (taken.kind === 'all' && taken.kept.length === 0) {
      await this.close(true);
      say(
        'warning',
        'The window was taken back: what ran on the source runs there again, and nothing was started on the target.',
      );
      return this.result(exitCode.rolledBack, error);
    }
    if (taken.kind === 'all') {
      await this.close();
      say(
        'warning',
        `Taken back, except what was released before: ${taken.kept.join(', ')}. To go on: ${this.again}`,
      );
    } else if (taken.kind === 'nothing') {
      say(
        'error',
        `The data was released to the target before this failed: nothing is taken back. To go on: ${this.again}`,
      );
    } else {
      say(
        'error',
        `The window could not be taken back as a whole. Left to do:\n${taken.left.map((item) => `${item.what}: ${item.error}`).join('\n')}\nThen: ${this.again}`,
      );
    }
    return this.result(exitCode.partial, error);
  }
}

/** A pass that ended so long ago, in milliseconds, needs no other before the downtime. */
const freshMs = 30_000;

type Seed = Extract<Operation, { kind: 'copy' }>;

const isFinal = (operation: Operation): operation is Seed =>
  operation.kind === 'copy' && operation.pass === 'final';

/** The first copy that a step makes. */
const seedOf = ({ operations }: Pick<Step, 'operations'>) =>
  operations.find((operation): operation is Seed => operation.kind === 'copy' && operation.pass === 'seed');

/** One pass over what has changed; none where everything would have to be copied or compared first: 'stay' would cut that off. */
function once(seed: Seed, world: World): Seed | undefined {
  const { rounds } = seed;
  if (rounds === undefined) return seed;
  if (world.marks.get().moves[seed.move]?.baseline === undefined && seed.full === undefined) return undefined;
  return { ...seed, rounds: { ...rounds, most: 1, settled: Number.MAX_SAFE_INTEGER } };
}

/** A place that has to be made is not the one that was copied to: the dataset was made anew, or the move was rolled back. */
function makesPlace(step: Step): boolean {
  return step.id.startsWith('place ');
}

/** Cutover steps that follow one another in one phase share a window. */
function sameWindow(step: Step, next: Step | undefined): boolean {
  return (
    next !== undefined && step.stage === 'cutover' && next.stage === 'cutover' && next.phase === step.phase
  );
}

function refuseBlockers(plan: Plan): void {
  if (plan.blockers.length === 0) return;
  throw applyError('apply/blocked', {
    seen: plan.blockers.map((blocker) => blocker.seen).join('\n'),
    next: [...new Set(plan.blockers.flatMap((blocker) => blocker.next))],
  });
}

function byHand(step: Step, text: string): Error {
  return applyError('apply/by-hand', {
    seen: `${step.title}\n${text}`,
    next: ['drayage apply   # when it is done'],
  });
}

function interrupted(step: Step, again: string): Error {
  return applyError('apply/interrupted', {
    seen: `Stopped on request at ${step.id}.`,
    next: [again],
  });
}
