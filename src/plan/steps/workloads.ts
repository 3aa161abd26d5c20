import { conditionsDropIn, dropInFolder } from '../../guest/drop-in.ts';
import type { ContainerFindings, UnitFindings, UserFindings } from '../../inspect/findings.ts';
import { quoteArgv } from '../../ssh/quote.ts';
import { asUser } from '../../workloads/as-user.ts';
import { createArgv, environmentReader } from '../../workloads/create-argv.ts';
import type { MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { moveLayout, shareLayout } from '../share-layout.ts';
import { byOwner } from './workload-names.ts';

const pullImage = 'ssh -o BatchMode=yes -- "$1" "$2" > "$3"';

/**
 * The images that the workloads run, carried as they are: the same id, no registry, no surprise by a tag that moved.
 * They go from the source guest to the node's share and from there into the target's own store, never through the
 * controller, and the file is removed again.
 */
export function imagesStep(context: MoveContext): Step {
  const { share, move } = context;
  const needed = neededImages(context);
  const operations: Operation[] = [];
  const present: Check[] = [];
  for (const user of new Set(needed.map((image) => image.user))) {
    const images = needed.filter((image) => image.user === user);
    const names = images.map((image) => image.name);
    const file = `${move.name}-${user ?? 'root'}.tar`;
    const onNode = `${shareLayout(share.path).images}/${file}`;
    const save = asUserOf(context, 'source', user, [
      'podman',
      'image',
      'save',
      '--multi-image-archive',
      '--',
      ...names,
    ]);
    const remote = quoteArgv(context.sourceGuest.config.sudo ? ['sudo', '-n', '--', ...save] : save);
    operations.push(
      {
        kind: 'run',
        host: share.node,
        argv: ['sh', '-c', pullImage, 'sh', context.sourceGuest.config.sshFromNode, remote, onNode],
        guards: [...context.guards],
        timeoutSeconds: 7200,
        what: `fetch ${names.join(', ')} from ${move.from.guest}`,
      },
      {
        kind: 'run',
        host: move.to.guest,
        argv: asUserOf(context, 'target', user, [
          'podman',
          'image',
          'load',
          '--quiet',
          '--input',
          `${shareLayout(share.mount).images}/${file}`,
        ]),
        timeoutSeconds: 7200,
        what: `load them into the store of ${user ?? 'root'} on ${move.to.guest}`,
      },
      {
        kind: 'run',
        host: share.node,
        argv: ['rm', '-f', '--', onNode],
        guards: [...context.guards],
        what: 'remove the file again',
      },
    );
    present.push({
      kind: 'run',
      host: move.to.guest,
      argv: asUserOf(context, 'target', user, [
        'podman',
        'image',
        'inspect',
        '--format',
        '{{.Id}}',
        ...names,
      ]),
      expect: { exitCode: 0, stdout: images.map((image) => image.id).join('\n') },
      what: `${move.to.guest} has ${images.map((image) => `${image.name} (${image.id.slice(0, 12)})`).join(', ')}`,
    });
  }
  return {
    id: `images ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Images for ${move.to.guest}: ${needed.map((image) => image.name).join(', ')}`,
    why: 'Fetched before the window, so that no registry and no rate limit can lengthen it. The image store itself never moves: it holds absolute paths and cannot live on virtiofs.',
    needs: [`mounted ${move.name}`],
    probe: present,
    operations,
    proof: present,
    undo: [],
  };
}

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

/** The images that the workloads name, each once for each store. */
function neededImages(context: MoveContext): { name: string; id: string; user?: string }[] {
  if (context.move.definitions === 'present') return [];
  const wanted = new Map<string, { name: string; id: string; user?: string }>();
  const add = (name: string, user?: string) => {
    const image = context.sourceGuest.system.images.find(
      (found) => found.name === name && found.user === user,
    );
    if (image !== undefined)
      wanted.set(
        `${user ?? ''} ${name}`,
        user === undefined ? { name, id: image.id } : { name, id: image.id, user },
      );
  };
  for (const container of context.containers) add(container.image, container.user);
  for (const unit of context.units) if (unit.image !== undefined) add(unit.image, unit.user);
  return [...wanted.values()];
}

export function systemctl(user: string | undefined, ...words: string[]): string[] {
  return user === undefined ? ['systemctl', ...words] : ['systemctl', '--user', ...words];
}

/** The command as root runs it, or through `runuser` for a user's own manager and store. */
export function asUserOf(
  context: MoveContext,
  side: 'source' | 'target',
  user: string | undefined,
  argv: string[],
): string[] {
  if (user === undefined) return argv;
  const { source, target } = {
    source: context.sourceGuest.system.users,
    target: context.targetGuest.system.users,
  };
  const known = (users: readonly UserFindings[]) => users.find((candidate) => candidate.name === user);
  // A user that the target lacks is a blocker; the plan is shown all the same, with the source's numbers.
  const found = known(side === 'source' ? source : target) ?? known(source);
  return found === undefined ? argv : asUser(found, argv);
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

export function sameFile(host: string, path: string, content: string): Check {
  return {
    kind: 'run',
    host,
    argv: ['cat', path],
    expect: { exitCode: 0, stdout: content.trimEnd() },
    what: `${path} is as planned`,
  };
}

/** Other people's definitions survive: a different file of this name on the target stops the step. */
function absentOrSame(host: string, definition: { sourcePath: string; sha256: string }): Check {
  const script = '! test -e "$1" || printf "%s  %s\\n" "$2" "$1" | sha256sum --check --status';
  return {
    kind: 'run',
    host,
    argv: ['sh', '-c', script, 'sh', definition.sourcePath, definition.sha256],
    expect: { exitCode: 0 },
    what: `${definition.sourcePath} does not exist on ${host}, or is the same`,
  };
}

function sameDigest(host: string, path: string, sha256: string): Check {
  return {
    kind: 'run',
    host,
    argv: ['sha256sum', '--', path],
    expect: { exitCode: 0, stdout: `${sha256}  ${path}` },
    what: `${path} is the same on ${host}`,
  };
}
