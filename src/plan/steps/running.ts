import type { WorkloadContext } from '../context.ts';
import type { Check } from '../operation.ts';
import { asUserOf, systemctl } from './as-owner.ts';
import { byOwner } from './workload-names.ts';

/** What ran on the source before the window runs on this side. */
export function running(context: WorkloadContext, side: 'source' | 'target'): Check[] {
  const host = side === 'source' ? context.move.from.guest : context.move.to.guest;
  return byOwner(context).flatMap((owner) => {
    const as = (argv: string[]) => asUserOf(context, side, owner.user, argv);
    const of = owner.user === undefined ? '' : ` of ${owner.user}`;
    const started = [
      ...owner.units.filter((unit) => unit.active).map((unit) => unit.name),
      ...owner.units.flatMap((unit) => unit.timers.filter((timer) => timer.active).map(({ name }) => name)),
    ];
    const containers = owner.containers.filter((container) => container.running).map(({ name }) => name);
    const checks: Check[] = [];
    if (started.length > 0)
      checks.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'is-active', ...started)),
        expect: { exitCode: 0, stdout: started.map(() => 'active').join('\n') },
        within: 60,
        what: `${started.join(', ')}${of} are active`,
      });
    if (containers.length > 0)
      checks.push({
        kind: 'run',
        host,
        argv: as([owner.engine, 'container', 'inspect', '--format', '{{.State.Running}}', ...containers]),
        expect: { exitCode: 0, stdout: containers.map(() => 'true').join('\n') },
        within: 60,
        what: `${containers.join(', ')}${of} run`,
      });
    return checks;
  });
}
