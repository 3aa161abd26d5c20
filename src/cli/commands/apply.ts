import { join } from 'node:path';
import { openMarks } from '../../apply/marks.ts';
import { observe } from '../../apply/observe.ts';
import { finishPowerCycle, isFinished, lastPowerCycle } from '../../apply/power-cycle.ts';
import { readPlan } from '../../apply/recorded-plans.ts';
import { applyPlan } from '../../apply/run.ts';
import { listRuns, openRun, stateFolder } from '../../apply/run-folder.ts';
import { exitCode } from '../../errors/exit-code.ts';
import { refuseJourney } from '../../maintenance/perform.ts';
import type { Plan, Stage } from '../../plan/plan.ts';
import { planAsText } from '../../plan/render/text.ts';
import { count, type Standing } from '../../plan/render/words.ts';
import { askAtGate } from '../ask-at-gate.ts';
import { usageError } from '../errors.ts';
import type { Action } from '../program.ts';
import { writeReport } from '../report.ts';
import { type Session, withSession } from '../session.ts';
import { showError } from '../show-error.ts';

interface ApplyOptions {
  readonly yes?: boolean;
  readonly window?: number;
  readonly until?: Stage;
  readonly phase?: string;
}

export const apply: Action = (globals, given, [file]) =>
  withSession(globals, async (session) => {
    const options = given as ApplyOptions;
    checkOptions(session, options);
    const { terminal } = session;
    const unfinished = await windowLeftOpen(session);
    await endPowerCycle(session);
    const findings = await session.inspect();
    const planned = await session.plan(findings);
    const plan = ofPhase(
      unfinished ?? (file === undefined ? planned : await sameAsFile(file, planned)),
      options.phase,
    );
    session.say('Looking which steps are in place ...');
    const standing = await observe(plan, await session.looking(plan));
    if (!terminal.json) {
      // Who brings a plan has read it.
      const known = file !== undefined && unfinished === undefined && plan.blockers.length === 0;
      terminal.err.write(
        known
          ? `Plan ${plan.id}, as in ${file}.\n`
          : planAsText(plan, session.config, standing, terminal.talk, { next: false }),
      );
    }
    if (plan.blockers.length > 0) {
      throw usageError('apply/blocked', {
        ...(terminal.json
          ? {
              seen: plan.blockers.map((blocker) => blocker.seen).join('\n'),
              next: [...new Set(plan.blockers.flatMap((blocker) => blocker.next))],
            }
          : {
              seen: `plan ${plan.id}: ${count(plan.blockers.length, 'blocker')}, named above`,
              next: ['settle what is named above, then: drayage plan'],
            }),
      });
    }
    if (unfinished !== undefined) {
      terminal.err.write(
        `A window that an earlier run opened is not closed: going on with its plan ${plan.id}.\n`,
      );
    } else if (!(await mayBegin(session, options, file, plan, standing))) {
      return exitCode.done;
    }

    const run = await openRun(session.config.file, plan, findings);
    try {
      const { world, compared } = session.world(run, plan);
      const result = await applyPlan({
        plan,
        world,
        gate: (gate) => askAtGate(session.terminal, world.sink, plan, gate, options.window),
        ...(options.until === undefined || unfinished !== undefined ? {} : { until: options.until }),
        ...(options.phase === undefined ? {} : { phases: [options.phase] }),
      });
      if (result.error !== undefined) showError(result.error, terminal);
      await writeReport({ session, plan, run, compared, result, world });
      return result.exitCode;
    } finally {
      await run.close();
    }
  });

/** An earlier run was cut off while it stopped and started a guest. */
async function endPowerCycle(session: Session): Promise<void> {
  const cycle = await lastPowerCycle(session.config.file);
  if (cycle === undefined || (await isFinished(cycle.step, await session.looking(cycle.plan)))) return;
  session.terminal.err.write(
    `An earlier run was cut off at this step, which comes first: ${cycle.step.title}.\n`,
  );
  const run = await openRun(session.config.file, cycle.plan, cycle.findings);
  try {
    await finishPowerCycle(cycle.step, session.world(run, cycle.plan).world);
  } finally {
    await run.close();
  }
}

/** What blocks another phase does not block this one. */
function ofPhase(plan: Plan, name: string | undefined): Plan {
  const phase = plan.phases.find((candidate) => candidate.name === name);
  if (phase === undefined) return plan;
  const blockers = plan.blockers.filter(({ move }) => move === undefined || phase.moves.includes(move));
  return { ...plan, blockers };
}

function checkOptions(session: Session, options: ApplyOptions): void {
  const phases = session.config.phases.map((phase) => phase.name);
  if (options.phase !== undefined && !phases.includes(options.phase)) {
    throw usageError('usage/unknown-phase', {
      seen: `--phase ${options.phase}; there is ${phases.join(', ')}`,
      next: phases.map((phase) => `drayage apply --phase ${phase}`),
    });
  }
}

/** The plan of a run whose window is still open: workloads are down. */
async function windowLeftOpen(session: Session): Promise<Plan | undefined> {
  const state = stateFolder(session.config.file);
  const open = (await openMarks(join(state, 'marks.json'))).get().window;
  if (open === undefined) return undefined;
  refuseJourney({ window: open });
  const runs = await listRuns(session.config.file);
  return runs.includes(open.run) ? readPlan(join(state, 'runs', open.run, 'plan.json')) : undefined;
}

/** Exactly the plan of the file, or nothing: what would be done now must be what it says. */
async function sameAsFile(file: string, now: Plan): Promise<Plan> {
  const wanted = await readPlan(file);
  if (wanted.id === now.id) return wanted;
  const before = new Map(wanted.steps.map((step) => [step.id, JSON.stringify(step.operations)]));
  const changed = now.steps
    .filter((step) => before.get(step.id) !== JSON.stringify(step.operations))
    .map((step) => step.id);
  throw usageError('apply/drifted', {
    seen: `${file} is plan ${wanted.id}; now it would be ${now.id}. Steps that differ: ${changed.join(', ') || 'only checks or notes'}`,
    next: [`drayage plan --out ${file}`],
  });
}

async function mayBegin(
  session: Session,
  options: ApplyOptions,
  file: string | undefined,
  plan: Plan,
  standing: Standing,
): Promise<boolean> {
  const { terminal } = session;
  const pending = plan.steps.filter((step) => standing.get(step.id) !== 'in-place');
  if (pending.length === 0) return true;
  if (options.yes === true || file !== undefined) return true;
  if (!terminal.interactive) {
    throw usageError('usage/no-terminal', {
      seen: `plan ${plan.id} has ${pending.length} steps to do`,
      next: ['drayage apply --yes', 'drayage plan --out evening.plan && drayage apply evening.plan'],
    });
  }
  const answer = await terminal.ask('Begin? The workloads go on running until you are asked again. [y/N] ');
  if (/^y(es)?$/i.test(answer)) return true;
  terminal.err.write('Nothing was done.\n');
  return false;
}
