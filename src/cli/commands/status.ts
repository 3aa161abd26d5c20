import { join } from 'node:path';
import { readJournal } from '../../apply/journal.ts';
import { openMarks } from '../../apply/marks.ts';
import { observe } from '../../apply/observe.ts';
import { listRuns, stateFolder } from '../../apply/run-folder.ts';
import { exitCode } from '../../errors/exit-code.ts';
import { commandOf, journeyOf } from '../../plan/golden-path/names.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Action } from '../program.ts';
import { type Session, withSession } from '../session.ts';

export const status: Action = (globals) =>
  withSession(globals, async (session) => {
    const plan = await session.plan(await session.inspect());
    const standing = await observe(plan, await session.looking(plan));
    const marks = (await openMarks(join(stateFolder(session.config.file), 'marks.json'))).get();
    const last = await lastRun(session);
    const { terminal } = session;
    if (terminal.json) {
      terminal.out.write(
        `${JSON.stringify({ type: 'status', plan: plan.id, steps: Object.fromEntries(standing), window: marks.window ?? null, moves: marks.moves, lastRun: last ?? null, blockers: plan.blockers })}\n`,
      );
      return exitCode.done;
    }
    terminal.out.write(
      `${[...stepLines(plan, standing, session), '', ...moveLines(plan, marks), ...runLines(last)].join('\n')}\n`,
    );
    return exitCode.done;
  });

interface LastRun {
  readonly name: string;
  readonly folder: string;
  readonly operations: number;
  readonly failed: readonly string[];
  /** An operation whose outcome is not in the journal: the run was killed there. */
  readonly open?: string;
}

async function lastRun(session: Session): Promise<LastRun | undefined> {
  const name = (await listRuns(session.config.file)).at(-1);
  if (name === undefined) return undefined;
  const folder = join(stateFolder(session.config.file), 'runs', name);
  const { entries } = await readJournal(join(folder, 'journal.jsonl'));
  const outcomes = new Map(
    entries.flatMap((entry) => (entry.kind === 'outcome' ? [[entry.id, entry] as const] : [])),
  );
  const intents = entries.filter((entry) => entry.kind === 'intent');
  const open = intents.find((intent) => !outcomes.has(intent.id));
  return {
    name,
    folder,
    operations: intents.length,
    failed: intents
      .filter((intent) => outcomes.get(intent.id)?.ok === false)
      .map((intent) => `${intent.step}: ${intent.operation.what}`),
    ...(open === undefined ? {} : { open: `${open.step}: ${open.operation.what}` }),
  };
}

function stepLines(plan: Plan, standing: ReadonlyMap<string, string>, session: Session): string[] {
  const { palette } = session.terminal;
  const signs: Record<string, string> = {
    'in-place': palette.good('in place'),
    'to-do': 'to do   ',
    unknown: palette.warn('unknown '),
  };
  return [
    palette.bold(`Plan ${plan.id}`),
    ...plan.phases.flatMap((phase) => [
      ...phaseHead(plan, phase, standing, session),
      ...plan.steps
        .filter((step) => step.phase === phase.name)
        .map(
          (step) => `  ${signs[standing.get(step.id) ?? 'unknown']}  ${step.stage.padEnd(8)}  ${step.title}`,
        ),
    ]),
    ...plan.blockers.map((blocker) => `  ${palette.bad('blocked ')}  ${blocker.seen}`),
  ];
}

/** Where there is more than one phase, each has a line of its own; one that waits says for what. */
function phaseHead(
  plan: Plan,
  { name, after }: Plan['phases'][number],
  standing: ReadonlyMap<string, string>,
  { terminal: { palette } }: Session,
): string[] {
  if (plan.phases.length === 1 && after === undefined) return [];
  const proofs = plan.steps.filter((step) => step.phase === after && step.stage === 'prove');
  const proven = proofs.length > 0 && proofs.every(({ id }) => standing.get(id) === 'in-place');
  const waits =
    after === undefined ? '' : proven ? `, ${after} is proven` : `, deferred until ${after} is proven`;
  return [palette.bold(`Phase ${name}${waits}`)];
}

type Marks = Awaited<ReturnType<typeof openMarks>> extends { get(): infer T } ? T : never;

function moveLines(plan: Plan, marks: Marks): string[] {
  const moves = plan.phases.flatMap((phase) => phase.moves);
  const proofs = moves.map((move) => {
    const evidence = marks.moves[move]?.evidence;
    return evidence === undefined
      ? `${move}: not proven yet`
      : `${move}: proven ${evidence.at}, ${evidence.entries.toLocaleString('en-US')} entries, no difference (run ${evidence.run})`;
  });
  const window = marks.window;
  return window === undefined
    ? proofs
    : [
        ...proofs,
        `The window of phase ${window.phase} is open since ${window.openedAt}: ${goesOn(window.phase)} goes on`,
      ];
}

function goesOn(phase: string): string {
  const journey = journeyOf(phase);
  return journey === undefined ? 'drayage apply' : commandOf(journey);
}

function runLines(run: LastRun | undefined): string[] {
  if (run === undefined) return ['No run yet: drayage apply'];
  return [
    `Last run ${run.name}: ${run.operations} operations`,
    ...run.failed.map((what) => `  failed: ${what}`),
    ...(run.open === undefined ? [] : [`  killed during: ${run.open}`]),
    `  evidence in ${run.folder}`,
  ];
}
