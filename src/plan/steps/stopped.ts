import type { WorkloadContext } from '../context.ts';
import type { Check } from '../operation.ts';
import { asUserOf, systemctl } from './as-owner.ts';
import { running } from './engine.ts';
import { byOwner } from './workload-names.ts';

/** No process of the source guest holds a file below the path. */
export function quiet(context: WorkloadContext): Check {
  const { move } = context;
  return {
    kind: 'quiet',
    host: move.from.guest,
    path: move.from.path,
    what: `no process on ${move.from.guest} has a file below ${move.from.path} open`,
  };
}

/** None of the workloads runs on the target: data is never replaced below a running one, nor released to one. */
export function targetStopped(context: WorkloadContext): Check[] {
  const host = context.move.to.guest;
  return byOwner(context).flatMap((owner) => {
    const as = (argv: string[]) => asUserOf(context, 'target', owner.user, argv);
    const of = owner.user === undefined ? '' : ` of ${owner.user}`;
    const units = owner.units.map((unit) => unit.name);
    const names = owner.containers.map((container) => container.name);
    const checks: Check[] = [];
    if (units.length > 0) {
      checks.push({
        kind: 'run',
        host,
        argv: as(['sh', '-c', '! "$@"', 'sh', ...systemctl(owner.user, 'is-active', '--quiet', ...units)]),
        expect: { exitCode: 0 },
        what: `none of ${units.join(', ')}${of} is active on ${host}`,
      });
    }
    if (names.length > 0) {
      checks.push({
        kind: 'run',
        host,
        argv: as(running(owner.engine, names)),
        expect: { exitCode: 0, stdout: '' },
        what: `none of ${names.join(', ')}${of} runs on ${host}`,
      });
    }
    return checks;
  });
}
