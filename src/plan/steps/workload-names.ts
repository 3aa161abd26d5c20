import type { ContainerFindings, UnitFindings } from '../../inspect/findings.ts';
import type { WorkloadContext } from '../context.ts';
import type { Engine } from './engine.ts';

/** Workloads of one manager: root's, or one user's; docker's containers are a group of their own. */
export interface OwnedWorkloads {
  /** undefined: root. */
  readonly user?: string;
  readonly engine: Engine;
  readonly units: readonly UnitFindings[];
  readonly containers: readonly ContainerFindings[];
}

/** Groups by who runs them, root first: each group is one command. */
export function byOwner(context: WorkloadContext): OwnedWorkloads[] {
  const users = new Set<string>();
  for (const { user } of [...context.units, ...context.containers]) if (user !== undefined) users.add(user);
  // Root's units first: they may bring up what a user's quadlets wait for.
  return [
    { engine: 'podman' as const },
    // After the units: one may run a compose project.
    { engine: 'docker' as const },
    ...[...users].sort().map((user) => ({ user, engine: 'podman' as const })),
  ]
    .map(({ engine, ...owner }: { user?: string; engine: Engine }) => ({
      ...owner,
      engine,
      units: context.units.filter((unit) => unit.user === owner.user && engine === 'podman'),
      containers: context.containers.filter(
        (container) => container.user === owner.user && container.engine === engine,
      ),
    }))
    .filter((owner) => owner.units.length + owner.containers.length > 0);
}

/** `writer, web.service, notes.service (notes)`. */
export function workloadList(context: WorkloadContext): string {
  const withUser = (name: string, user?: string) => (user === undefined ? name : `${name} (${user})`);
  const names = [
    ...context.containers.map((container) => withUser(container.name, container.user)),
    ...context.units.map((unit) => withUser(unit.name, unit.user)),
  ];
  return names.length === 0 ? '(no workload was found)' : names.join(', ');
}

/** Containers that something may start again: their restart policy is taken from them. */
export function restarted(containers: readonly ContainerFindings[]): ContainerFindings[] {
  return containers.filter((container) => container.restartPolicy !== 'no' && container.restartPolicy !== '');
}
