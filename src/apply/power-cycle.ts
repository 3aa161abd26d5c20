import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DrayageError } from '../errors/error.ts';
import type { Findings } from '../inspect/findings.ts';
import type { Operation } from '../plan/operation.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { firstNotHeld } from './check.ts';
import { readJournal } from './journal.ts';
import { perform } from './perform.ts';
import { readPlan } from './recorded-plans.ts';
import { listRuns, stateFolder } from './run-folder.ts';
import type { World } from './world.ts';

/** A stop and start of a VM that was the last thing an earlier run began. */
export interface PowerCycle {
  readonly plan: Plan;
  readonly findings: Findings;
  readonly step: Step;
}

/**
 * The power cycle at which the last run that changed anything was cut off, or ended. A guest that is off, or boots, cannot
 * be inspected: it must be finished before anything is planned.
 * @throws apply/not-a-plan, apply/journal-unreadable
 */
export async function lastPowerCycle(configFile: string): Promise<PowerCycle | undefined> {
  for (const run of (await listRuns(configFile)).toReversed()) {
    const folder = join(stateFolder(configFile), 'runs', run);
    const journal = join(folder, 'journal.jsonl');
    if (!(await exists(journal))) continue;
    const intent = (await readJournal(journal)).entries.findLast((entry) => entry.kind === 'intent');
    if (intent?.kind !== 'intent') continue;
    if (intent.undo || !intent.step.startsWith('power-cycle ')) return undefined;
    const plan = await readPlan(join(folder, 'plan.json'));
    const step = plan.steps.find(({ id }) => id === intent.step);
    if (step === undefined) return undefined;
    const findings: Findings = JSON.parse(await readFile(join(folder, 'findings.json'), 'utf8'));
    return { plan, findings, step };
  }
  return undefined;
}

/** Does the VM run, is no task at work on it, and does its guest answer? Looks only. */
export async function isFinished(step: Step, world: World): Promise<boolean> {
  const start = startOf(step);
  if (start === undefined) return true;
  if ((await activeTasks(start, world)) > 0 || (await statusOf(start, world)) === 'stopped') return false;
  try {
    return (await firstNotHeld(answers(step), world, step.id, false)) === undefined;
  } catch (error) {
    if (error instanceof DrayageError) return false;
    throw error;
  }
}

/**
 * Waits for the task that an earlier run left behind, starts the VM if it is stopped, and waits until its guest answers. A
 * guest that does not is for the inspection to tell.
 */
export async function finishPowerCycle(step: Step, world: World): Promise<void> {
  const start = startOf(step);
  if (start === undefined) return;
  const shutdown = step.operations.find((operation) => operation !== start);
  const patience = shutdown?.kind === 'call' ? (shutdown.timeoutSeconds ?? 0) : 0;
  const until = world.now() + patience * 1000;
  while ((await activeTasks(start, world)) > 0 && world.now() < until && !world.stop.aborted)
    await world.sleep(pollMs);
  if ((await statusOf(start, world)) === 'stopped') await perform(start, world, step.id);
  try {
    await firstNotHeld(answers(step), world, step.id);
  } catch (error) {
    if (!(error instanceof DrayageError)) throw error;
  }
}

const pollMs = 1000;

type Call = Extract<Operation, { kind: 'call' }>;
const starting = '/status/start';

const startOf = (step: Step) =>
  step.operations.find(
    (operation): operation is Call => operation.kind === 'call' && operation.path.endsWith(starting),
  );

/** The proof that the guest itself gives, by ssh. */
const answers = (step: Step) => step.proof.filter((check) => check.kind === 'run');

const vmOf = (start: Call) => start.path.slice(0, -starting.length);

async function statusOf(start: Call, world: World): Promise<string | undefined> {
  const current = await world.cluster.get(`${vmOf(start)}/status/current`);
  return z.object({ status: z.string() }).safeParse(current).data?.status;
}

async function activeTasks(start: Call, world: World): Promise<number> {
  const [, node, vmid] = /^\/nodes\/([^/]+)\/qemu\/(\d+)$/.exec(vmOf(start)) ?? [];
  const tasks = await world.cluster.get(`/nodes/${node}/tasks?source=active&vmid=${vmid}`);
  return z.array(z.unknown()).safeParse(tasks).data?.length ?? 0;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
