import type { MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { asUserOf, systemctl } from './as-owner.ts';
import { setPolicy } from './engine.ts';
import { byOwner, restarted } from './workload-names.ts';

/** Restart policies on the target, after the start: off the clock. */
export function restartPolicyStep(context: MoveContext): Step | undefined {
  const { move } = context;
  const host = move.to.guest;
  const operations: Operation[] = [];
  const inPlace: Check[] = [];
  for (const owner of byOwner(context)) {
    const as = (argv: string[]) => asUserOf(context, 'target', owner.user, argv);
    for (const container of restarted(owner.containers)) {
      operations.push({
        kind: 'run',
        host,
        argv: as(setPolicy(container, container.restartPolicy, true)),
        what: `${container.name} has restart policy ${container.restartPolicy}`,
      });
      inPlace.push({
        kind: 'run',
        host,
        argv: as([
          container.engine,
          'container',
          'inspect',
          '--format',
          '{{.HostConfig.RestartPolicy.Name}}',
          container.name,
        ]),
        expect: { exitCode: 0, stdout: container.restartPolicy.split(':')[0] as string },
        what: `${container.name} has its restart policy`,
      });
    }
    // Where it was not enabled on the source, a reboot did not bring them back there either.
    const atBoot = owner.user !== undefined || context.sourceGuest.system.podmanRestart;
    if (owner.engine === 'podman' && atBoot && restarted(owner.containers).length > 0) {
      operations.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'enable', 'podman-restart.service')),
        what: 'podman-restart.service starts them after a reboot',
      });
      inPlace.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'is-enabled', 'podman-restart.service')),
        expect: { exitCode: 0, stdout: 'enabled' },
        what: 'podman-restart.service is enabled',
      });
    }
  }
  if (operations.length === 0) return undefined;
  return {
    id: `restart-policy ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prove',
    title: `Restart policies on ${host}, as they were`,
    why: `A reboot of ${host} brings the containers back, as it did on ${move.from.guest}.`,
    needs: [`start ${move.name}`],
    probe: inPlace,
    operations,
    proof: inPlace,
    undo: [],
  };
}
