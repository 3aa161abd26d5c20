import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Findings } from '../inspect/findings.ts';
import { type Plan, planSchema } from '../plan/plan.ts';
import type { Recorded } from '../plan/recorded.ts';
import { applyError } from './errors.ts';
import type { Marks } from './marks.ts';
import { listRuns, stateFolder } from './run-folder.ts';

/**
 * By move: what the run in which its window began knew. Only while that window is open or the move is released: after
 * a way back by hand, what runs on the source can be seen there again. A run whose folder is gone knows nothing.
 */
export async function readRecorded(
  configFile: string,
  marks: Marks,
  findings: Findings,
): Promise<Map<string, Recorded>> {
  const known = await listRuns(configFile);
  const recorded = new Map<string, Recorded>();
  for (const [move, run] of Object.entries(marks.cutovers)) {
    const released = findings.moves[move]?.target?.released === true;
    const open = marks.window?.begun.some((begun) => begun.move === move) === true;
    if (!known.includes(run) || !(released || open)) continue;
    const plan = await readPlan(join(stateFolder(configFile), 'runs', run, 'plan.json'));
    recorded.set(move, { plan, released });
  }
  return recorded;
}

/** @throws apply/not-a-plan */
export async function readPlan(file: string): Promise<Plan> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw notAPlan(file, (error as Error).message, error);
  }
  const parsed = planSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw notAPlan(file, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function notAPlan(file: string, seen: string, cause?: unknown) {
  return applyError('apply/not-a-plan', {
    seen,
    where: `${file}:1:1`,
    next: [`drayage plan --out ${file}`],
    cause,
  });
}
