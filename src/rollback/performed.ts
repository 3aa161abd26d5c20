import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entry, readJournal } from '../apply/journal.ts';
import { readPlan } from '../apply/recorded-plans.ts';
import { listRuns, stateFolder } from '../apply/run-folder.ts';
import { journeyOf } from '../plan/golden-path/names.ts';
import type { Operation } from '../plan/operation.ts';
import type { Plan, Step } from '../plan/plan.ts';

/**
 * The steps that runs of this folder have performed, wholly or in part, and that no rollback has taken back since, each
 * with what takes it back as the plans of those runs said it: a later look cannot tell any more what was there before.
 * @throws apply/not-a-plan, apply/journal-unreadable
 */
export async function performedSteps(configFile: string): Promise<Step[]> {
  const performed = new Map<string, Step[]>();
  for (const run of await listRuns(configFile)) {
    const folder = join(stateFolder(configFile), 'runs', run);
    const journal = join(folder, 'journal.jsonl');
    if (!(await exists(journal))) continue;
    const { entries } = await readJournal(journal);
    if (entries.length === 0) continue;
    take(await readPlan(join(folder, 'plan.json')), entries, performed);
  }
  return [...performed.values()].map(together);
}

/** Adds what one run did; what a rollback took back as a whole is forgotten. */
function take(plan: Plan, entries: readonly Entry[], performed: Map<string, Step[]>): void {
  const ended = new Set(entries.flatMap((entry) => (entry.kind === 'outcome' && entry.ok ? [entry.id] : [])));
  const isWayBack = plan.steps.some(({ id }) => /^(undo|end) /.test(id));
  for (const step of plan.steps) {
    // A journey to another node has a way back of its own.
    if (journeyOf(step.phase) !== undefined) continue;
    const intents = entries.filter(
      (entry) => entry.kind === 'intent' && entry.step === step.id && !entry.undo,
    );
    if (intents.length === 0) continue;
    if (!isWayBack) performed.set(step.id, [...(performed.get(step.id) ?? []), step]);
    else if (intents.filter(({ id }) => ended.has(id)).length >= step.operations.length)
      forget(step, performed);
  }
}

/** The claim goes last: with it, everything of its move is gone. */
function forget(undone: Step, performed: Map<string, Step[]>): void {
  performed.delete(undone.id.replace(/^undo /, ''));
  if (undone.move === undefined || undone.id !== `undo place ${undone.move}`) return;
  for (const [id, [step]] of performed) if (step?.move === undone.move) performed.delete(id);
}

/** The last run's change is taken back first. */
function together(steps: readonly Step[]): Step {
  const undo = new Map<string, Operation>();
  for (const step of steps.toReversed())
    for (const operation of step.undo) {
      const key = JSON.stringify(operation);
      if (!undo.has(key)) undo.set(key, operation);
    }
  return { ...(steps.at(-1) as Step), undo: [...undo.values()] };
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
