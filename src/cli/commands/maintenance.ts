import { join } from 'node:path';
import { type Marks, openMarks } from '../../apply/marks.ts';
import { observe } from '../../apply/observe.ts';
import { readPlan } from '../../apply/recorded-plans.ts';
import { openRun, stateFolder } from '../../apply/run-folder.ts';
import { exitCode } from '../../errors/exit-code.ts';
import { maintenanceError } from '../../maintenance/errors.ts';
import { readMaintenance } from '../../maintenance/look.ts';
import { openJourney, performMaintenance, takeWindowBack } from '../../maintenance/perform.ts';
import type { Journey, MaintenanceFacts } from '../../plan/golden-path/facts.ts';
import { makeForget } from '../../plan/golden-path/forget.ts';
import { makeMaintenance } from '../../plan/golden-path/make-maintenance.ts';
import { commandOf } from '../../plan/golden-path/names.ts';
import type { Plan, Stage } from '../../plan/plan.ts';
import { maintenanceAsText } from '../../plan/render/golden-path.ts';
import { count, type Standing } from '../../plan/render/words.ts';
import { askAtGate } from '../ask-at-gate.ts';
import { usageError } from '../errors.ts';
import type { Action } from '../program.ts';
import { writeReport } from '../report.ts';
import { type Session, withSession } from '../session.ts';
import { showError } from '../show-error.ts';
import { packageVersion } from '../version.ts';

interface MaintenanceOptions {
  readonly yes?: boolean;
  readonly window?: number;
  readonly until?: Stage;
  /** Of `leave`: let the standby go. */
  readonly forget?: boolean;
}

export const enter: Action = (globals, given, [node]) =>
  withSession(globals, (session) =>
    carry(session, { direction: 'enter', node: known(session, node ?? '') }, given as MaintenanceOptions),
  );

export const leave: Action = (globals, given, [node]) =>
  withSession(globals, (session) =>
    carry(
      session,
      { direction: 'leave', node: known(session, node ?? onlyNode(session)) },
      given as MaintenanceOptions,
    ),
  );

async function carry(session: Session, journey: Journey, options: MaintenanceOptions): Promise<number> {
  const { config, terminal } = session;
  const marks = await readMarks(session);
  const open = openJourney(marks);
  const unfinished = open === undefined ? undefined : await planOf(session, marks);
  if (open !== undefined && commandOf(open) !== commandOf(journey))
    return otherWindow(session, marks, open, journey, options, unfinished as Plan);
  session.say('Looking at both nodes, the shares and their guests ...');
  const facts = await look(session, journey);
  const make = options.forget === true ? makeForget : makeMaintenance;
  const plan = unfinished ?? make(config, facts, journey, packageVersion());
  session.say('Looking which steps are in place ...');
  const standing = await observe(plan, await session.looking(plan));
  if (terminal.json) terminal.out.write(`${JSON.stringify({ type: 'plan', plan })}\n`);
  else terminal.err.write(maintenanceAsText(plan, journey, config, standing, terminal.talk));
  refuseBlocked(session, plan, journey);
  if (options.forget === true && plan.steps.length === 0) return exitCode.done;
  if (unfinished !== undefined)
    terminal.err.write(
      `Its window is open since ${marks.window?.openedAt}: going on with plan ${plan.id}.\n`,
    );
  else if (!(await mayBegin(session, options, plan, standing, journey))) return exitCode.done;
  const run = await openRun(config.file, plan, facts);
  try {
    const { world, compared } = session.world(run, plan);
    const result = await performMaintenance({
      plan,
      world,
      journey,
      gate: (gate) => askAtGate(session.terminal, world.sink, plan, gate, options.window),
      ...(options.until === undefined || unfinished !== undefined ? {} : { until: options.until }),
    });
    if (result.error !== undefined) showError(result.error, terminal);
    await writeReport({ session, plan, run, compared, result, world });
    return result.exitCode;
  } finally {
    await run.close();
  }
}

const readMarks = async ({ config }: Session): Promise<Marks> =>
  (await openMarks(join(stateFolder(config.file), 'marks.json'))).get();

/** The plan of the run whose window is open. Once guests are stopped, a look cannot tell what ran in them. */
function planOf({ config }: Session, marks: Marks): Promise<Plan> {
  return readPlan(join(stateFolder(config.file), 'runs', marks.window?.run ?? '', 'plan.json'));
}

function look(session: Session, journey: Journey): Promise<MaintenanceFacts> {
  const { config, hosts, client } = session;
  return readMaintenance({ config, hosts, client, journey, now: new Date().toISOString() });
}

/** The other way was begun: it goes on, or, before its hand-over, it is taken back by the way that was asked for. */
async function otherWindow(
  session: Session,
  marks: Marks,
  open: Journey,
  wanted: Journey,
  options: MaintenanceOptions,
  plan: Plan,
): Promise<number> {
  const { terminal, config } = session;
  const released = (marks.window?.released ?? []).length > 0;
  if (released || open.node !== wanted.node)
    throw maintenanceError('maintenance/window-open', {
      seen: `the window of \`${commandOf(open)}\` is open since ${marks.window?.openedAt}${released ? ', and the share was handed over' : ''}`,
      next: [`${commandOf(open)}   # goes on with it`],
    });
  terminal.err.write(
    `The window of \`${commandOf(open)}\` is open since ${marks.window?.openedAt}. Nothing was handed over: its guests and workloads start again where they were.\n`,
  );
  if (!(await agreed(session, options, 'Take it back? [y/N] ', 1, wanted))) return exitCode.done;
  const run = await openRun(config.file, plan, await look(session, wanted));
  try {
    return (await takeWindowBack(session.world(run, plan).world)).exitCode;
  } finally {
    await run.close();
  }
}

function known({ config }: Session, node: string): string {
  if (config.nodes[node] !== undefined) return node;
  throw maintenanceError('maintenance/unknown-node', {
    seen: `${node}; there is ${Object.keys(config.nodes).join(', ')}`,
    next: Object.keys(config.nodes).map((name) => `drayage maintenance enter ${name}`),
  });
}

function onlyNode({ config }: Session): string {
  const own = new Set(Object.values(config.shares).map(({ node }) => node));
  const named = Object.values(config.shares).flatMap(({ maintenance }) => Object.keys(maintenance));
  // Without a word about it, a share on a cluster file system can be on every node.
  const nodes = [
    ...new Set(named.length > 0 ? named : Object.keys(config.nodes).filter((node) => !own.has(node))),
  ];
  if (nodes.length === 1) return nodes[0] as string;
  throw maintenanceError('maintenance/which-node', {
    seen: nodes.length === 0 ? `${config.file} names no other node` : nodes.join(', '),
    next: nodes.map((node) => `drayage maintenance leave ${node}`),
  });
}

function refuseBlocked({ terminal }: Session, plan: Plan, journey: Journey): void {
  if (plan.blockers.length === 0) return;
  throw usageError('apply/blocked', {
    seen: terminal.json
      ? plan.blockers.map(({ seen }) => seen).join('\n')
      : `plan ${plan.id}: ${count(plan.blockers.length, 'blocker')}, named above`,
    next: terminal.json
      ? [...new Set(plan.blockers.flatMap(({ next }) => next))]
      : [`settle what is named above, then: ${commandOf(journey)}`],
  });
}

async function mayBegin(
  session: Session,
  options: MaintenanceOptions,
  plan: Plan,
  standing: Standing,
  journey: Journey,
): Promise<boolean> {
  const todo = plan.steps.filter(({ id }) => standing.get(id) !== 'in-place').length;
  if (todo === 0) return true;
  return agreed(
    session,
    options,
    'Begin? The guests go on running until you are asked again. [y/N] ',
    todo,
    journey,
  );
}

async function agreed(
  { terminal }: Session,
  options: MaintenanceOptions,
  question: string,
  steps: number,
  journey: Journey,
): Promise<boolean> {
  if (options.yes === true) return true;
  if (!terminal.interactive)
    throw usageError('usage/no-terminal', {
      seen: `${commandOf(journey)} has ${count(steps, 'step')} to do`,
      next: [`${commandOf(journey)} --yes`],
    });
  if (/^y(es)?$/i.test(await terminal.ask(question))) return true;
  terminal.err.write('Nothing was done.\n');
  return false;
}
