import type { Config, MoveConfig } from '../../config/config.ts';
import type { ContainerFindings, GuestSystem } from '../../inspect/findings.ts';
import { blocker } from '../errors.ts';
import type { Blocker } from '../plan.ts';
import { composeCannotCarry } from '../steps/compose.ts';
import { sshTo } from './ssh-to.ts';

/** A docker container that cannot be stopped and started again, or not be made again on the target. */
export function dockerBlockers(
  config: Config,
  move: MoveConfig,
  container: ContainerFindings,
  all: readonly ContainerFindings[],
): Blocker[] {
  const { name, cannotFence } = container;
  const ignore = `moves.${move.name}.workloads.ignore in ${config.file}`;
  const to = (guest: string) => sshTo(config, config.guests[guest]?.ssh ?? guest);
  if (cannotFence !== undefined)
    return [
      blocker('plan/docker', {
        move: move.name,
        seen: `docker container ${name} ${cannotFence}`,
        next: [`stop it yourself and name it in ${ignore}`],
      }),
    ];
  const reason = move.definitions === 'carry' ? composeCannotCarry(move, container, all) : undefined;
  if (reason === undefined) return [];
  return [
    blocker('plan/cannot-carry', {
      move: move.name,
      seen: `docker container ${name}: ${reason}`,
      next: [
        `${to(move.from.guest)} docker container inspect ${name}   # how it was made`,
        `${to(move.to.guest)} docker create --name ${name} --restart=no ...   # or docker compose create; do not start it`,
        `set moves.${move.name}.definitions: present in ${config.file}`,
        `or name it in ${ignore}`,
      ],
    }),
  ];
}

/** What the target needs for the docker containers of a move. */
export function dockerTools(
  config: Config,
  move: MoveConfig,
  containers: readonly ContainerFindings[],
  target: GuestSystem,
): Blocker[] {
  const missing = (tool: string, package_: string) =>
    blocker('plan/missing-tool', {
      move: move.name,
      seen: `${tool} on ${move.to.guest}`,
      next: [
        `${sshTo(config, config.guests[move.to.guest]?.ssh ?? move.to.guest)} apt-get install ${package_}`,
      ],
    });
  if (target.dockerVersion === undefined) return [missing('docker', 'docker.io')];
  const composed = move.definitions === 'carry' && containers.some(({ compose }) => compose !== undefined);
  return composed && target.composeVersion === undefined ? [missing('docker compose', 'docker-compose')] : [];
}
