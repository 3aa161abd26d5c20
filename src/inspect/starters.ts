import { isOfCall } from '../workloads/compose.ts';
import { optional } from '../workloads/podman.ts';
import { isQuadlet } from '../workloads/quadlet.ts';
import type { Start } from '../workloads/starts.ts';
import type { ShownUnit } from '../workloads/systemd.ts';
import type { ContainerFindings, ContainerStarter, UnitFindings } from './findings.ts';
import type { ManagerAnswers } from './guest-workloads.ts';

/** Units that come with podman: what they start is known from restart policies, and they are fenced by those. */
const podmansOwn = /^(podman(-restart|-auto-update|-clean-transient)?\.service|netavark-.*)$/;

/** The containers that a unit starts by their names or ids, or as a compose project. */
export function startedContainers(
  unit: ShownUnit,
  user: string | undefined,
  containers: readonly ContainerFindings[],
): ContainerFindings[] {
  const named = unit.starts.flatMap((start) => [
    ...(start.containers ?? []).flatMap((name) => isNamedBy(start, name, user, containers)),
    ...ofProject(unit, start, user, containers),
  ]);
  return [...new Set(named)];
}

/** The containers of the compose project that a command runs. */
function ofProject(
  unit: ShownUnit,
  { compose }: Start,
  user: string | undefined,
  containers: readonly ContainerFindings[],
): ContainerFindings[] {
  if (compose === undefined) return [];
  return containers.filter(
    (container) =>
      container.user === user &&
      container.compose !== undefined &&
      isOfCall(compose, unit.workingDirectory, container.compose),
  );
}

/** The containers of that user which a command means by a name or an id. */
export function isNamedBy(
  start: Start,
  name: string,
  user: string | undefined,
  containers: readonly ContainerFindings[],
): ContainerFindings[] {
  return containers.filter(
    (container) =>
      start.command.startsWith(container.engine) &&
      container.user === user &&
      (container.name === name || (/^[0-9a-f]{12,64}$/.test(name) && container.id.startsWith(name))),
  );
}

/**
 * Containers with the unit that starts them by name, where podman did not label them with one. A container that runs
 * while its unit does not is nobody's: it was started by hand, and must be stopped by its own name.
 */
export function ownedByStart(
  containers: readonly ContainerFindings[],
  managers: readonly ManagerAnswers[],
): ContainerFindings[] {
  const starts = managers.flatMap((manager) =>
    manager.shown
      .filter(
        (unit) => unit.id.endsWith('.service') && !unit.fragmentPath.startsWith('/run/systemd/transient/'),
      )
      .flatMap((unit) =>
        startedContainers(unit, manager.user?.name, containers).map((container) => ({ unit, container })),
      ),
  );
  return containers.map((container) => {
    const by = starts.filter((start) => start.container === container).map((start) => start.unit);
    const active = by.find((unit) => unit.active && unit.starts.some(({ compose }) => compose !== undefined));
    // A project's containers have policies of their own, too: they stay on their own beside the unit.
    if (container.compose !== undefined)
      return active === undefined ? container : { ...container, composeUnit: active.id };
    // Docker restarts what it has by its own policies, whoever started it: its containers stay on their own.
    if (container.unit !== undefined || container.engine === 'docker') return container;
    const owner = by.find((unit) => unit.active) ?? (container.running ? undefined : by[0]);
    return owner === undefined ? container : { ...container, unit: owner.id };
  });
}

/** It cannot be told from this command which containers it starts: one that it names is not there, or it names none. */
export function startsUnknown(
  unit: ShownUnit,
  start: Start,
  { containers }: { readonly containers: readonly ContainerFindings[] },
  user: string | undefined,
): boolean {
  // What podman labelled with the unit's name is what it started.
  if (containers.some((container) => container.unit === unit.id && container.user === user)) return false;
  if (ofProject(unit, start, user, containers).length > 0) return false;
  return (
    start.containers === undefined ||
    start.containers.some((name) => isNamedBy(start, name, user, containers).length === 0)
  );
}

/**
 * Units that may run, start containers, and do not tell which, without those that are known to use a moved path.
 * @param units the units that are known
 * @param alsoUnits names that the configuration gives: such a unit is among the known ones and still told here
 */
export function readStarters(question: {
  readonly managers: readonly ManagerAnswers[];
  readonly containers: readonly ContainerFindings[];
  readonly units: readonly UnitFindings[];
  readonly alsoUnits: readonly string[];
}): ContainerStarter[] {
  return question.managers.flatMap((manager) => {
    const user = manager.user?.name;
    const known = question.units.filter(
      (unit) => unit.user === user && !question.alsoUnits.includes(unit.name),
    );
    return manager.shown.flatMap((unit) => {
      if (!unit.id.endsWith('.service') || podmansOwn.test(unit.id)) return [];
      if (isQuadlet(unit.sourcePath) || unit.fragmentPath.startsWith('/run/systemd/transient/')) return [];
      if (known.some((other) => other.name === unit.id) || !mayRun(unit, manager)) return [];
      const unknown = unit.starts.find((start) => startsUnknown(unit, start, question, user));
      return unknown === undefined
        ? []
        : [{ unit: unit.id, ...optional('user', user), command: unknown.command }];
    });
  });
}

/** It runs, or something starts it: the boot, another unit, a timer. Of triggers other than timers nothing is known here. */
export function mayRun(unit: ShownUnit, manager: ManagerAnswers): boolean {
  if (unit.unitFileState.startsWith('masked')) return unit.active;
  return (
    unit.active ||
    unit.unitFileState.startsWith('enabled') ||
    unit.startsAtBoot ||
    unit.triggeredBy.some((name) => {
      const timer = manager.shown.find((other) => other.id === name);
      return timer === undefined || timer.active || timer.unitFileState.startsWith('enabled');
    })
  );
}
