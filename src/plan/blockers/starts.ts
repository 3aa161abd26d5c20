import type { Config, MoveConfig } from '../../config/config.ts';
import type { Findings, GuestSystem } from '../../inspect/findings.ts';
import { isBelow, workloadsOf } from '../context.ts';
import { blocker } from '../errors.ts';
import type { Blocker } from '../plan.ts';
import { sshTo } from './ssh-to.ts';

/** Units of the source that start containers which nobody names, and about which the configuration says nothing. */
export function starterBlockers(config: Config, move: MoveConfig, source: GuestSystem): Blocker[] {
  const said = [...move.alsoUnits, ...move.ignore];
  return (source.startsContainers ?? [])
    .filter((starter) => !said.includes(starter.unit))
    .map(({ unit, user, command, cron = false }) =>
      blocker('plan/unknown-starter', {
        move: move.name,
        seen: `${unit}${user === undefined ? '' : ` of ${user}`} on ${move.from.guest} runs ${command} (move ${move.name})`,
        next: cron
          ? [
              `${sshTo(config, config.guests[move.from.guest]?.ssh ?? move.from.guest)} grep -nE 'podman|docker' ${unit}   # it starts what moves: put a # before the line, and make the job on ${move.to.guest}`,
              `it does not: name ${unit} in moves.${move.name}.workloads.ignore in ${config.file}`,
            ]
          : [
              `it uses ${move.from.path}: name it in moves.${move.name}.workloads.alsoUnits in ${config.file}; it is stopped and fenced`,
              `it does not: name it in moves.${move.name}.workloads.ignore in ${config.file}`,
            ],
      }),
    );
}

/** Containers that are left to their units, and that podman would start by itself all the same. */
export function ownedPolicyBlockers(config: Config, move: MoveConfig, source: GuestSystem): Blocker[] {
  const { units, containers } = workloadsOf(move, source);
  const ssh = sshTo(config, config.guests[move.from.guest]?.ssh ?? move.from.guest);
  return source.containers
    .filter(({ engine, played = false }) => engine === 'podman' && !played)
    .filter((container) => !containers.includes(container))
    .filter((container) => units.some((unit) => unit.name === container.unit && unit.user === container.user))
    .filter(({ name, restartPolicy }) => !['no', ''].includes(restartPolicy) && !move.ignore.includes(name))
    .map(({ name, user, unit, restartPolicy }) =>
      blocker('plan/owned-restart-policy', {
        move: move.name,
        seen: `container ${name} of ${unit}${user === undefined ? '' : ` of ${user}`} on ${move.from.guest} has restart policy ${restartPolicy}`,
        next: [
          `${ssh} podman update --restart=no ${name}${user === undefined ? '' : `   # as ${user}`}; the unit starts it at boot`,
          'drayage plan',
        ],
      }),
    );
}

/** Paths that the workloads bind and that are not on the target guest. Definitions that are there already bind their own. */
export function missingSourceBlockers(
  config: Config,
  findings: Findings,
  move: MoveConfig,
  source: GuestSystem,
): Blocker[] {
  const missing = findings.moves[move.name]?.missingOnTarget ?? [];
  if (move.definitions === 'present') return [];
  const { containers, units } = workloadsOf(move, source);
  const ssh = sshTo(config, config.guests[move.to.guest]?.ssh ?? move.to.guest);
  const binds = [
    ...containers.map((container) => ({ name: container.name, paths: container.bindSources })),
    ...units.filter((unit) => unit.quadlet),
  ];
  return binds.flatMap(({ name, paths }) =>
    missing
      .filter((path) => paths.includes(path))
      .map((path) =>
        blocker('plan/bind-source-missing', {
          move: move.name,
          seen: `${name} binds ${path}, which does not exist on ${move.to.guest}`,
          next: [
            `${ssh} ls -ld ${parent(path)}   # then make ${path} there as it is on ${move.from.guest}`,
            ...(isBelow(path, '/run') || isBelow(path, '/var/run')
              ? [`it is made by a program that runs: start that on ${move.to.guest}`]
              : [`or move it too: a move with from.path: ${path} in ${config.file}`]),
            `or leave ${name} out: moves.${move.name}.workloads.ignore in ${config.file}`,
          ],
        }),
      ),
  );
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
