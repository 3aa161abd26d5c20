import { conditionsDropIn, dropInFolder } from '../../guest/drop-in.ts';
import type { ContainerFindings, UnitFindings, UserFindings } from '../../inspect/findings.ts';
import { createArgv, environmentReader } from '../../workloads/create-argv.ts';
import type { MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { moveLayout, shareLayout } from '../share-layout.ts';
import { asUserOf, systemctl } from './as-owner.ts';
import { absentOrSame, sameDigest, sameFile } from './checks.ts';
import { neededImages } from './images.ts';
import { byOwner } from './workload-names.ts';

/** Definitions on the target, fenced by conditions until the release: nothing of it can start before. */
export function definitionsStep(context: MoveContext): Step {
  const { move } = context;
  const carried = move.definitions === 'carry';
  const host = move.to.guest;
  const writes: Operation[] = [];
  const checks: Check[] = [];
  const write = (path: string, content: string, what: string) => {
    writes.push({ kind: 'write', host, path, content, mode: '0644', owner: { uid: 0, gid: 0 }, what });
    checks.push(sameFile(host, path, content));
  };
  for (const unit of context.units) {
    // On NixOS the conditions come with the module that the operator imports.
    if (context.targetGuest.system.os === 'nixos') continue;
    write(
      `${dropInFolder(unit, context.targetGuest.system.os)}/50-drayage.conf`,
      conditions(context, unit),
      `conditions of ${unit.name}`,
    );
    if (carried) {
      for (const definition of [unit, ...unit.timers]) {
        writes.push(carriedFile(context, definition, unit.user));
        checks.push(sameDigest(host, definition.sourcePath, definition.sha256));
      }
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
      if (carried) created.push(createOperation(context, container));
      checks.push({
        kind: 'run',
        host,
        argv: asUserOf(context, 'target', owner.user, ['podman', 'container', 'exists', container.name]),
        expect: { exitCode: 0 },
        what: `${host} has container ${container.name}`,
      });
    }
  }
  return {
    id: `definitions ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'seed',
    title: carried
      ? `Definitions of ${context.units.length + context.containers.length} workloads on ${host}, held back until the release`
      : `Conditions for the workloads that ${host} already defines`,
    why: `Each unit asserts the mount, the marker and the release, so that not even a reboot of ${host} starts it on an empty directory or beside the old one. Containers are made with restart policy "no" until then.`,
    needs: [
      `mounted ${move.name}`,
      `seed ${move.name}`,
      ...(neededImages(context).length > 0 ? [`images ${move.name}`] : []),
    ],
    probe: checks,
    operations: [...makeFolders, ...writes, ...reload, ...created],
    proof: checks,
    undo: [],
  };
}

function conditions(context: MoveContext, unit: UnitFindings): string {
  const { share, move } = context;
  return conditionsDropIn({
    ...(unit.user === undefined ? {} : { user: unit.user }),
    path: move.from.path,
    marker: shareLayout(share.mount).marker,
    released: moveLayout(share.mount, move.name).released,
  });
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
    argv: asUserOf(context, 'target', container.user, createArgv(container.name, create)),
    ...(names.length === 0
      ? {}
      : {
          stdin: {
            host: move.from.guest,
            argv: asUserOf(context, 'source', container.user, environmentReader(container.name, names)),
            shownAs: `${names.join(', ')} (as ${move.from.guest} has them; read at that moment, never written down)`,
          },
        }),
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
