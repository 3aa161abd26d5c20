import type { ContainerFindings, UserFindings } from '../../inspect/findings.ts';
import { createArgv, environmentReader } from '../../workloads/create-argv.ts';
import type { MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { digestOf } from '../plan-id.ts';
import { asUserOf, systemctl } from './as-owner.ts';
import { absentOrSame, removeOwn, sameDigest } from './checks.ts';
import { composeThere, createProjects, removeProjects } from './compose.ts';
import { holdBack } from './hold-back.ts';
import { neededImages } from './images.ts';
import { unitsLoaded } from './units-read.ts';
import { byOwner } from './workload-names.ts';

/** Definitions on the target, fenced by conditions until the release: nothing of it can start before. */
export function definitionsStep(context: MoveContext): Step {
  const { move } = context;
  const carried = move.definitions === 'carry';
  const host = move.to.guest;
  const writes: Operation[] = [];
  const checks: Check[] = [];
  for (const unit of carried ? context.units : []) {
    for (const definition of [unit, ...unit.timers]) {
      writes.push(carriedFile(context, definition, unit.user));
      checks.push(sameDigest(host, definition.sourcePath, definition.sha256));
    }
  }
  const folders = [
    ...new Set(writes.flatMap((write) => (write.kind === 'write' ? [parentOf(write.path)] : []))),
  ];
  // As the user, so that the folders in between belong to the user too.
  const makeFolders: Operation[] = folders.map((folder) => ({
    kind: 'run',
    host,
    argv: asUserOf(context, 'target', userOfPath(context, folder)?.name, ['mkdir', '-p', '--', folder]),
    what: 'folder',
  }));
  const reload: Operation[] = [];
  if (context.units.some((unit) => unit.quadlet && unit.user !== undefined)) {
    reload.push({
      kind: 'run',
      host,
      argv: ['systemctl', 'start', 'network-online.target'],
      what: 'rootless quadlets wait for this target for up to 90 s: not in the window (podman-systemd.unit(5))',
    });
  }
  const created: Operation[] = [];
  for (const owner of byOwner(context)) {
    if (owner.units.length > 0) {
      reload.push({
        kind: 'run',
        host,
        argv: asUserOf(context, 'target', owner.user, systemctl(owner.user, 'daemon-reload')),
        what: `systemd${owner.user === undefined ? '' : ` of ${owner.user}`} reads the definitions`,
      });
      if (carried)
        checks.push(unitsLoaded({ context, side: 'target', user: owner.user, units: owner.units }));
    }
    const enabled = owner.units.flatMap((unit) => [
      ...(unit.startsAtBoot && !unit.quadlet ? [unit.name] : []),
      ...unit.timers.filter((timer) => timer.enabled).map((timer) => timer.name),
    ]);
    if (carried && enabled.length > 0) {
      reload.push({
        kind: 'run',
        host,
        argv: asUserOf(context, 'target', owner.user, systemctl(owner.user, 'enable', ...enabled)),
        what: 'enabled at boot, as on the source; the conditions hold them back until the release',
      });
      checks.push({
        kind: 'run',
        host,
        argv: asUserOf(context, 'target', owner.user, systemctl(owner.user, 'is-enabled', ...enabled)),
        expect: { exitCode: 0, stdout: enabled.map(() => 'enabled').join('\n') },
        what: `${enabled.join(', ')} are enabled`,
      });
    }
    for (const unit of carried ? [] : owner.units) {
      checks.push({
        kind: 'run',
        host,
        argv: asUserOf(context, 'target', owner.user, systemctl(owner.user, 'cat', unit.name)),
        expect: { exitCode: 0 },
        what: `${host} defines ${unit.name}`,
      });
    }
    for (const container of owner.containers) {
      if (container.composeUnit !== undefined) continue;
      if (carried && container.engine === 'podman') created.push(createOperation(context, container));
      checks.push(
        carried && container.engine === 'docker'
          ? composeThere(context, container)
          : containerThere(context, container),
      );
    }
  }
  if (carried) created.push(...createProjects(context));
  const held = holdBack(context);
  checks.push(...held.checks);
  return {
    id: `definitions ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'seed',
    title: `${context.units.length + context.containers.length} workloads ${carried ? 'defined' : 'that are defined'} on ${host}, held back until the release`,
    why: carried
      ? 'Units are carried byte by byte and held back by their conditions; containers are made as they were made on the source, with restart policy "no" until they are started.'
      : `The configuration of ${host} defines them; drayage looks whether they are there.`,
    needs: [
      `mounted ${move.name}`,
      `seed ${move.name}`,
      `rescue ${move.name}`,
      ...(neededImages(context).length > 0 ? [`images ${move.name}`] : []),
    ],
    probe: checks,
    operations: [...makeFolders, ...writes, ...reload, ...created, ...held.operations],
    proof: checks,
    undo: carried ? removeDefinitions(context) : [],
  };
}

/** What was there before stays: units that the target had, and containers that do not carry our label. */
function removeDefinitions(context: MoveContext): Operation[] {
  const { move } = context;
  const host = move.to.guest;
  const had = new Set(context.had.map((unit) => unit.sourcePath));
  const undo: Operation[] = [];
  for (const owner of byOwner(context)) {
    const as = (argv: string[]) => asUserOf(context, 'target', owner.user, argv);
    const ours = owner.units.filter((unit) => !had.has(unit.sourcePath));
    const enabled = ours.flatMap((unit) => [
      ...(unit.startsAtBoot && !unit.quadlet ? [unit.name] : []),
      ...unit.timers.filter((timer) => timer.enabled).map((timer) => timer.name),
    ]);
    for (const name of enabled) {
      undo.push({
        kind: 'run',
        host,
        argv: as([
          'sh',
          '-c',
          '! "$@" cat -- "$0" >/dev/null 2>&1 || "$@" disable -- "$0"',
          name,
          ...systemctl(owner.user),
        ]),
        what: `${name} is not enabled any more`,
      });
    }
    for (const unit of ours)
      for (const definition of [unit, ...unit.timers])
        undo.push(removeOwn(host, definition.sourcePath, { sha256: definition.sha256 }));
    if (owner.units.length > 0)
      undo.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'daemon-reload')),
        what: `systemd${owner.user === undefined ? '' : ` of ${owner.user}`} forgets them`,
      });
    for (const container of owner.engine === 'docker' ? [] : owner.containers) {
      const script =
        'test "$(podman container inspect --format "$2" "$1" 2>/dev/null)" != "$3" || podman rm -- "$1"';
      undo.push({
        kind: 'run',
        host,
        argv: as([
          'sh',
          '-c',
          script,
          'sh',
          container.name,
          `{{index .Config.Labels "${createLabel}"}}`,
          createDigest(container),
        ]),
        what: `remove container ${container.name}, if drayage made it`,
      });
    }
  }
  return [...undo, ...removeProjects(context)];
}

/** The container that was made from this definition, known by its label; or, where others define it, one of this name. */
function containerThere(context: MoveContext, container: ContainerFindings): Check {
  const { move } = context;
  const host = move.to.guest;
  const inspect = [
    'podman',
    'container',
    'inspect',
    '--format',
    `{{index .Config.Labels "${createLabel}"}}`,
    container.name,
  ];
  const carried = move.definitions === 'carry' && container.create !== undefined;
  return {
    kind: 'run',
    host,
    argv: asUserOf(
      context,
      'target',
      container.user,
      carried ? inspect : [container.engine, 'container', 'inspect', '--format', '{{.Name}}', container.name],
    ),
    expect: { exitCode: 0, ...(carried ? { stdout: createDigest(container) } : {}) },
    what: `${host} has container ${container.name}${carried ? ', made from this definition' : ''}`,
  };
}

/** Label by which a container that drayage made is known; its value is a digest of the definition. */
const createLabel = 'drayage.create';

function createDigest(container: ContainerFindings): string {
  return digestOf([container.name, container.create]).slice(0, 16);
}

function createOperation(context: MoveContext, container: ContainerFindings): Operation {
  const { move } = context;
  const create = container.create;
  if (create === undefined)
    throw new Error(`container ${container.name} has no create command: a blocker must have said so`);
  const names = create.environment;
  return {
    kind: 'run',
    host: move.to.guest,
    // One that an earlier run has made, and whose outcome nobody heard of, is kept as it is.
    argv: asUserOf(context, 'target', container.user, [
      ...['sh', '-c', 'podman container exists "$0" || exec "$@"', container.name],
      ...createArgv(container.name, create, `${createLabel}=${createDigest(container)}`),
    ]),
    ...(names.length === 0
      ? {}
      : {
          stdin: {
            host: move.from.guest,
            argv: asUserOf(context, 'source', container.user, environmentReader(container.name, names)),
            shownAs: `${names.join(', ')} (as ${move.from.guest} has them; read at that moment, never written down)`,
          },
        }),
    guards: [
      {
        kind: 'run',
        host: move.to.guest,
        argv: asUserOf(context, 'target', container.user, [
          'sh',
          '-c',
          '! podman container exists "$1" || test "$(podman container inspect --format "$2" "$1")" = "$3"',
          'sh',
          container.name,
          `{{index .Config.Labels "${createLabel}"}}`,
          createDigest(container),
        ]),
        expect: { exitCode: 0 },
        what: `${move.to.guest} has no other container ${container.name}`,
      },
    ],
    what: `make container ${container.name}`,
  };
}

function carriedFile(
  context: MoveContext,
  definition: { sourcePath: string; sha256: string },
  user?: string,
): Operation {
  const { move } = context;
  const owner = user === undefined ? undefined : targetUser(context, user);
  const inHome = owner !== undefined && definition.sourcePath.startsWith(`${owner.home}/`);
  return {
    kind: 'write',
    host: move.to.guest,
    path: definition.sourcePath,
    content: { from: { host: move.from.guest, path: definition.sourcePath }, sha256: definition.sha256 },
    mode: '0644',
    owner: inHome ? { uid: owner.uid, gid: owner.gid } : { uid: 0, gid: 0 },
    guards: [absentOrSame(move.to.guest, definition)],
    what: `${definition.sourcePath}, byte by byte`,
  };
}

function targetUser(context: MoveContext, user: string): UserFindings | undefined {
  return (
    context.targetGuest.system.users.find((candidate) => candidate.name === user) ??
    context.sourceGuest.system.users.find((candidate) => candidate.name === user)
  );
}

function userOfPath(context: MoveContext, path: string): UserFindings | undefined {
  return context.sourceGuest.system.users.find((user) => user.uid !== 0 && path.startsWith(`${user.home}/`));
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
