import { openWorld } from '../apply/open-world.ts';
import { perform } from '../apply/perform.ts';
import { openRun } from '../apply/run-folder.ts';
import type { ClusterApi } from '../apply/world.ts';
import type { Config } from '../config/config.ts';
import type { Findings } from '../inspect/findings.ts';
import type { Plan } from '../plan/plan.ts';
import type { Hosts } from '../ssh/host.ts';

/** What stands in the run folder of a run that needed no inspection. */
export function noFindings(now = new Date()): Findings {
  const cluster = { nodes: [], mappings: [], vms: [] };
  return {
    ...{ format: 1, inspectedAt: now.toISOString(), cluster, nodes: {}, guests: {} },
    ...{ shares: {}, moves: {}, notSeen: [] },
  };
}

/** Performs every operation of a plan that is no part of a move, each journalled, in a run of its own. */
export async function performPlan(
  config: Config,
  plan: Plan,
  world: {
    /** Where its runs lie, below `.drayage/`. */
    readonly folder: 'fleet-runs' | 'tofu-runs';
    readonly hosts: Hosts;
    /** Absent: the plan calls no API. */
    readonly cluster?: ClusterApi;
    readonly finish: AbortSignal;
    readonly stop: AbortSignal;
  },
): Promise<void> {
  const { folder, hosts, cluster = noCluster, finish, stop } = world;
  const run = await openRun(config.file, plan, noFindings(), new Date(), folder);
  try {
    const opened = openWorld({ run, plan, hosts, cluster, sink: () => {}, finish, stop });
    for (const step of plan.steps)
      for (const operation of step.operations) await perform(operation, opened.world, step.id);
  } finally {
    await run.close();
  }
}

const refuse = async (): Promise<never> => {
  throw new Error('a plan that writes files calls no API');
};
const noCluster: ClusterApi = { get: refuse, call: refuse, waitForTask: refuse };
