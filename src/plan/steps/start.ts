import type { MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { asUserOf, systemctl } from './as-owner.ts';
import { byOwner, workloadList } from './workload-names.ts';

/** Starts on the target what ran on the source, and gives containers their restart policy. */
export function startStep(context: MoveContext): Step {
  const { move } = context;
  const host = move.to.guest;
  const operations: Operation[] = [];
  const running: Check[] = [];
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
      running.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'is-active', ...start)),
        expect: { exitCode: 0, stdout: start.map(() => 'active').join('\n') },
        within: 60,
        what: `${start.join(', ')}${of} are active`,
      });
    }
    const containers = owner.containers.filter((container) => container.running);
    if (containers.length > 0) {
      const names = containers.map((container) => container.name);
      operations.push({
        kind: 'run',
        host,
        argv: as(['podman', 'start', ...names]),
        timeoutSeconds: 300,
        what: `start ${names.join(', ')}${of}`,
      });
      running.push({
        kind: 'run',
        host,
        argv: as(['podman', 'container', 'inspect', '--format', '{{.State.Running}}', ...names]),
        expect: { exitCode: 0, stdout: names.map(() => 'true').join('\n') },
        within: 60,
        what: `${names.join(', ')}${of} run`,
      });
    }
  }
  return {
    id: `start ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `Start ${workloadList(context)} on ${host}`,
    why: 'What ran before runs again, on the share. The downtime ends here.',
    needs: [`release ${move.name}`],
    probe: running,
    operations,
    proof: running,
    undo: [],
  };
}
