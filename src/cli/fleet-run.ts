import { openWorld } from '../apply/open-world.ts';
import { perform } from '../apply/perform.ts';
import { openRun } from '../apply/run-folder.ts';
import type { ClusterApi } from '../apply/world.ts';
import type { Config } from '../config/config.ts';
import type { Findings } from '../inspect/findings.ts';
import type { Plan } from '../plan/plan.ts';
import { controllerHost } from '../ssh/local.ts';
import { withInterrupt } from './interrupt.ts';

/** Performs a plan that only writes files of this machine, each operation journalled, in a run of its own. */
export async function performFleetPlan(config: Config, plan: Plan): Promise<void> {
  await withInterrupt(async ({ finish, stop }) => {
    const run = await openRun(config.file, plan, nothingSeen(), new Date(), 'fleet-runs');
    try {
      const controller = controllerHost();
      const { world } = openWorld({
        run,
        plan,
        hosts: () => controller,
        cluster: noCluster,
        sink: () => {},
        finish,
        stop,
      });
      for (const step of plan.steps)
        for (const operation of step.operations) await perform(operation, world, step.id);
    } finally {
      await run.close();
    }
    return 0;
  });
}

const refuse = async (): Promise<never> => {
  throw new Error('a plan that writes files calls no API');
};
const noCluster: ClusterApi = { get: refuse, call: refuse, waitForTask: refuse };

/** Such a plan is made from the file alone. */
function nothingSeen(): Findings {
  return {
    format: 1,
    inspectedAt: new Date().toISOString(),
    cluster: { nodes: [], mappings: [], vms: [] },
    nodes: {},
    guests: {},
    shares: {},
    moves: {},
    notSeen: [],
  };
}
