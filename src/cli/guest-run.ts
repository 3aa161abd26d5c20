import { observe } from '../apply/observe.ts';
import { applyPlan } from '../apply/run.ts';
import { openRun } from '../apply/run-folder.ts';
import { type ExitCode, exitCode } from '../errors/exit-code.ts';
import type { Findings } from '../inspect/findings.ts';
import type { Plan } from '../plan/plan.ts';
import { guestAsText } from '../plan/render/guest.ts';
import { count } from '../plan/render/words.ts';
import { toGoOn } from '../rollback/rollback.ts';
import type { Hosts } from '../ssh/host.ts';
import { usageError } from './errors.ts';
import type { Session } from './session.ts';
import { showError } from './show-error.ts';

export interface GuestRan {
  readonly exitCode: ExitCode;
  readonly ended: 'nothing' | 'declined' | 'performed';
}

/** Shows the plan of a guest, asks, and performs it: the same way as every other plan. */
export async function runGuestPlan(
  session: Session,
  plan: Plan,
  options: {
    /** The command that goes on with it. */
    readonly again: string;
    readonly yes: boolean;
    readonly findings: Findings;
    readonly hosts?: Hosts;
  },
): Promise<GuestRan> {
  const { config, terminal } = session;
  const { again, hosts, yes } = options;
  const standing = await observe(plan, await session.looking(plan, hosts));
  if (terminal.json) terminal.out.write(`${JSON.stringify({ type: 'plan', plan })}\n`);
  else terminal.err.write(guestAsText(plan, { config, command: again, standing, palette: terminal.talk }));
  if (plan.blockers.length > 0)
    throw usageError('apply/blocked', {
      seen: terminal.json
        ? plan.blockers.map(({ seen }) => seen).join('\n')
        : `plan ${plan.id}: ${count(plan.blockers.length, 'blocker')}, named above`,
      next: [...new Set(plan.blockers.flatMap(({ next }) => next))],
    });
  if (!plan.steps.some(({ id }) => standing.get(id) !== 'in-place'))
    return { exitCode: exitCode.done, ended: 'nothing' };
  if (!(await mayBegin(session, plan, again, yes))) return { exitCode: exitCode.done, ended: 'declined' };
  const run = await openRun(config.file, plan, options.findings);
  try {
    const { world } = session.world(run, plan, hosts);
    const result = await applyPlan({
      plan,
      world,
      until: 'prepare',
      gate: async () => 'stay',
      back: { again, settled: async () => {} },
    });
    if (result.error !== undefined) showError(toGoOn(result.error, again), terminal);
    else if (!terminal.json) terminal.err.write(`Done. Evidence: ${run.path}\n`);
    return { exitCode: result.exitCode, ended: 'performed' };
  } finally {
    await run.close();
  }
}

async function mayBegin({ terminal }: Session, plan: Plan, again: string, yes: boolean): Promise<boolean> {
  if (yes) return true;
  if (!terminal.interactive)
    throw usageError('usage/no-terminal', {
      seen: `plan ${plan.id} has ${count(plan.steps.length, 'step')}`,
      next: [`${again} --yes`],
    });
  const answer = await terminal.ask('Begin? [y/N] ');
  if (/^y(es)?$/i.test(answer)) return true;
  terminal.err.write('Nothing was done.\n');
  return false;
}
