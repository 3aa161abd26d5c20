import type { MoveConfig } from '../../config/config.ts';
import type { ContainerFindings } from '../../inspect/findings.ts';
import { isBelow, type MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import { notThere } from './engine.ts';

/**
 * Why compose cannot make a docker container again on the target from the files that move; undefined: it can. Docker
 * itself does not keep the command that made a container.
 */
export function composeCannotCarry(
  move: MoveConfig,
  container: ContainerFindings,
  all: readonly ContainerFindings[],
): string | undefined {
  const { compose, volumes = [] } = container;
  if (volumes.length > 0) return `keeps data in the docker volume ${volumes.join(', ')}, which does not move`;
  if (container.composeUnit !== undefined) return undefined;
  if (compose === undefined) return 'docker does not tell how it was made';
  if (compose.oneOff === true) return 'was made by docker compose run';
  const stays = compose.files.find((file) => !isBelow(file, move.from.path));
  if (stays !== undefined) return `is made from ${stays}, which does not move`;
  const { folder, hash, service } = compose;
  if (compose.files.length === 0 || folder === undefined || hash === undefined || service === '')
    return `its labels do not tell how the compose project ${compose.project} makes it`;
  const twins = all.filter(
    (other) => other.compose?.project === compose.project && other.compose.service === compose.service,
  );
  return twins.length > 1 ? `is one of ${twins.length} of the service ${compose.service}` : undefined;
}

/** Containers of compose that drayage itself makes on the target: those of a unit are made by the unit. */
function made(context: MoveContext): ContainerFindings[] {
  return context.containers.filter(
    ({ engine, compose, composeUnit }) =>
      engine === 'docker' && compose !== undefined && composeUnit === undefined,
  );
}

/** `docker compose create` of each project, from its files in the share; nothing is started, built or pulled. */
export function createProjects(context: MoveContext): Operation[] {
  const host = context.move.to.guest;
  const containers = made(context);
  return [...new Set(containers.map(({ compose }) => compose?.project as string))].flatMap((project) => {
    const own = containers.filter(({ compose }) => compose?.project === project);
    const { folder = '', files } = own[0]?.compose ?? { files: [] };
    const create: Operation = {
      kind: 'run',
      host,
      argv: [
        ...['docker', 'compose', '--project-name', project, '--project-directory', folder],
        ...files.flatMap((file) => ['--file', file]),
        ...['create', '--no-build', '--pull', 'never', '--'],
        ...own.map(({ compose }) => compose?.service as string),
      ],
      timeoutSeconds: 300,
      guards: own.map((container) => ({
        kind: 'run',
        host,
        argv: notThere(container),
        expect: { exitCode: 0 },
        what: `${host} has no other container ${container.name}`,
      })),
      what: `make the containers of the compose project ${project}`,
    };
    return [create];
  });
}

/** The container is on the target, and compose's own digest of its definition is that of the source. */
export function composeThere(context: MoveContext, container: ContainerFindings): Check {
  const host = context.move.to.guest;
  return {
    kind: 'run',
    host,
    argv: [
      ...['docker', 'container', 'inspect', '--format'],
      '{{index .Config.Labels "com.docker.compose.config-hash"}}',
      container.name,
    ],
    expect: { exitCode: 0, stdout: container.compose?.hash ?? '' },
    what: `${host} has container ${container.name}, and docker compose knows it by the same digest as on ${context.move.from.guest} (the same files, .env and release of compose)`,
  };
}

/** Removes what was made there and never started. */
export function removeProjects(context: MoveContext): Operation[] {
  const script =
    'test "$(docker container inspect --format "$2" "$1" 2>/dev/null)" != "$3" || docker rm -- "$1"';
  return made(context).map((container) => ({
    kind: 'run',
    host: context.move.to.guest,
    argv: [
      ...['sh', '-c', script, 'sh', container.name],
      '{{.State.Status}} {{index .Config.Labels "com.docker.compose.config-hash"}}',
      `created ${container.compose?.hash ?? ''}`,
    ],
    what: `remove container ${container.name}, if it was made from this definition and never started`,
  }));
}
