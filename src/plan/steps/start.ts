import type { WorkloadContext } from '../context.ts';
import type { Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { asUserOf, systemctl } from './as-owner.ts';
import { asOperations, startCommands } from './engine.ts';
import { running } from './running.ts';
import { byOwner, workloadList } from './workload-names.ts';

/** Starts on the target what ran on the source, and gives containers their restart policy. */
export function startStep(context: WorkloadContext): Step {
  const { move } = context;
  const host = move.to.guest;
  const operations: Operation[] = [];
  for (const owner of byOwner(context)) {
    const as = (argv: string[]) => asUserOf(context, 'target', owner.user, argv);
    const of = owner.user === undefined ? '' : ` of ${owner.user}`;
    const units = owner.units.filter((unit) => unit.active).map((unit) => unit.name);
    const timers = owner.units.flatMap((unit) =>
      unit.timers.filter((timer) => timer.active).map((timer) => timer.name),
    );
    const start = [...units, ...timers];
    if (start.length > 0) {
      operations.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'start', ...start)),
        timeoutSeconds: 300,
        what: `start ${start.join(', ')}${of}`,
      });
    }
    const containers = owner.containers.filter((container) => container.running);
    operations.push(
      ...asOperations(host, startCommands(owner.engine, containers), as, {
        timeoutSeconds: 300,
        what: (names) => `start ${names}${of}`,
      }),
    );
  }
  const runs = running(context, 'target');
  return {
    id: `start ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `Start ${workloadList(context)} on ${host}`,
    why: 'What ran before runs again, on the share. The downtime ends here.',
    needs: [`release ${move.name}`],
    probe: runs,
    operations,
    proof: runs,
    undo: [],
  };
}
