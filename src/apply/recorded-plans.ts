import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Plan, planSchema } from '../plan/plan.ts';
import { applyError } from './errors.ts';
import type { Marks } from './marks.ts';
import { stateFolder } from './run-folder.ts';

/** By move: the plan of the run in which its window began. */
export async function readRecordedPlans(configFile: string, marks: Marks): Promise<Map<string, Plan>> {
  const plans = new Map<string, Plan>();
  for (const [move, run] of Object.entries(marks.cutovers)) {
    plans.set(move, await readPlan(join(stateFolder(configFile), 'runs', run, 'plan.json')));
  }
  return plans;
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
