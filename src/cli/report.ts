import { join } from 'node:path';
import { holds } from '../apply/check.ts';
import type { ApplyResult } from '../apply/run.ts';
import type { RunFolder } from '../apply/run-folder.ts';
import type { World } from '../apply/world.ts';
import { DrayageError } from '../errors/error.ts';
import type { Check } from '../plan/operation.ts';
import type { Plan } from '../plan/plan.ts';
import { buildReport, type MoveReport, type Report, type RollbackReport } from '../verify/report.ts';
import { windowText } from './progress/lines.ts';
import type { Session } from './session.ts';

/** What a run proved: written beside its journal, and summed up for the reader. Nothing when nothing was compared. */
export async function writeReport(parts: {
  readonly session: Session;
  readonly plan: Plan;
  readonly run: RunFolder;
  readonly world: World;
  readonly compared: ReadonlyMap<string, MoveReport>;
  /** Of a way back: a report is written even where nothing was compared. */
  readonly rollback?: RollbackReport;
  /** Of a run that had a window. */
  readonly result?: Pick<ApplyResult, 'windowSeconds' | 'expectedWindowSeconds'>;
}): Promise<Report | undefined> {
  const { session, plan, run, compared } = parts;
  const { windowSeconds, expectedWindowSeconds } = parts.result ?? {};
  if (compared.size === 0 && parts.rollback === undefined) return undefined;
  const report = buildReport({
    plan: plan.id,
    writtenAt: new Date().toISOString(),
    ...(windowSeconds === undefined ? {} : { windowSeconds }),
    ...(expectedWindowSeconds === undefined ? {} : { expectedWindowSeconds }),
    containers: await workloadsRunning(plan, parts.world),
    moves: [...compared.values()],
    ...(parts.rollback === undefined ? {} : { rollback: parts.rollback }),
    evidence: run.path,
  });
  await run.writeReport(report);
  const { terminal } = session;
  if (terminal.json) terminal.out.write(`${JSON.stringify({ type: 'report', report })}\n`);
  else terminal.out.write(`${summary(report, session).join('\n')}\n`);
  return report;
}

/** Every workload that must run on the target, or after a rollback on the source, by the checks of the plan's start steps. */
async function workloadsRunning(plan: Plan, world: World): Promise<NonNullable<Report['containers']>> {
  const checks = plan.steps
    .filter((step) => /^start(-source)? /.test(step.id))
    .flatMap((step) => step.proof.map((check) => ({ step, check })));
  let expected = 0;
  let running = 0;
  const missing: string[] = [];
  for (const { step, check } of checks) {
    if (check.kind !== 'run') continue;
    const count = (check.expect.stdout ?? '').split('\n').length;
    expected += count;
    if (await runs(check, world, step.id)) running += count;
    else missing.push(check.what);
  }
  return { expected, running, missing };
}

/** A guest that cannot be asked runs nothing that could be counted. */
async function runs(check: Check, world: World, step: string): Promise<boolean> {
  try {
    return (await holds(check, world, step, false)).holds;
  } catch (error) {
    if (error instanceof DrayageError) return false;
    throw error;
  }
}

function summary(report: Report, session: Session): string[] {
  const { palette } = session.terminal;
  const entries = report.moves.reduce((sum, move) => sum + move.entries, 0);
  const windowOnly = report.moves.every(({ scope }) => scope === 'changed');
  const head =
    report.differences === 0
      ? palette.good(
          `${windowOnly ? 'Compared in the window' : report.moves.every(({ scope }) => scope === 'sample') ? 'A sample holds' : 'Proven'}: ${entries.toLocaleString('en-US')} entries, ${report.files.toLocaleString('en-US')} files, no difference.`,
        )
      : palette.bad(
          `${report.differences.toLocaleString('en-US')} differences among ${entries.toLocaleString('en-US')} entries.`,
        );
  const side = report.rollback === undefined ? 'target' : 'source';
  return [
    ...(report.moves.length === 0 ? [] : [head]),
    ...(report.windowSeconds === undefined
      ? []
      : [`Downtime: ${windowText(report.windowSeconds, report.expectedWindowSeconds)}.`]),
    ...(report.containers === undefined || report.containers.expected === 0
      ? []
      : [`Workloads running on the ${side}: ${report.containers.running} of ${report.containers.expected}.`]),
    `Report: ${join(report.evidence, 'report.md')}`,
  ];
}
