import type { Config, MoveConfig, ShareConfig } from '../../config/config.ts';
import { packageOf } from '../../guest/tools.ts';
import type { Findings, GuestSystem, UserFindings } from '../../inspect/findings.ts';
import { workloadsOf } from '../context.ts';
import { blocker } from '../errors.ts';
import type { Blocker } from '../plan.ts';
import { dockerBlockers, dockerTools } from './docker.ts';
import { fenceBlockers } from './fences.ts';
import { notSeenBlockers } from './not-seen.ts';
import { sshTo } from './ssh-to.ts';
import { missingSourceBlockers, ownedPolicyBlockers, starterBlockers } from './starts.ts';

/** What is wrong with the two guests of a move and with its workloads. */
export function guestBlockers(config: Config, findings: Findings, move: MoveConfig): Blocker[] {
  const found: Blocker[] = [];
  for (const name of [move.from.guest, move.to.guest]) found.push(...reachable(config, findings, move, name));
  found.push(...targetVm(config, findings, move), ...notSeenBlockers(findings, move));
  const source = findings.guests[move.from.guest]?.system;
  const target = findings.guests[move.to.guest]?.system;
  if (source === undefined || target === undefined) return found;
  if (findings.moves[move.name]?.targetPath === 'occupied') {
    found.push(
      blocker('plan/target-path-occupied', {
        move: move.name,
        seen: `${move.from.path} on ${move.to.guest} is not empty`,
        next: [
          `${sshTo(config, config.guests[move.to.guest]?.ssh ?? move.to.guest)} ls -la ${move.from.path}`,
        ],
      }),
    );
  }
  return [
    ...found,
    ...workloads(config, move, source, target),
    ...starterBlockers(config, move, source),
    ...ownedPolicyBlockers(config, move, source),
    ...missingSourceBlockers(config, findings, move, source),
    ...fenceBlockers(config, move, source),
  ];
}

function reachable(config: Config, findings: Findings, move: MoveConfig, name: string): Blocker[] {
  const guest = findings.guests[name];
  const ssh = sshTo(config, config.guests[name]?.ssh ?? name);
  const why = findings.notSeen.find((entry) => entry.subject === `guest ${name}`);
  if (guest !== undefined && !guest.running) {
    return [
      blocker('plan/guest-off', {
        move: move.name,
        seen: `VM ${guest.vmid} (${name}) is stopped`,
        next: [`on ${guest.node}: qm start ${guest.vmid}`, 'drayage plan'],
      }),
    ];
  }
  if (guest?.system === undefined) {
    return [
      blocker('plan/guest-unreachable', {
        move: move.name,
        seen: why?.seen ?? `${name} was not inspected`,
        meaning: why?.meaning,
        next: why === undefined ? [`${ssh} true`] : [why.next, ...(why.more ?? [])],
      }),
    ];
  }
  return guest.system.missingTools.map((tool) => {
    const install =
      guest.system?.os === 'nixos'
        ? `add ${packageOf(tool)} to environment.systemPackages of ${name}`
        : `${ssh} apt-get install ${packageOf(tool)}`;
    return blocker('plan/missing-tool', { move: move.name, seen: `${tool} on ${name}`, next: [install] });
  });
}

function targetVm(config: Config, findings: Findings, move: MoveConfig): Blocker[] {
  const guest = findings.guests[move.to.guest];
  const share = config.shares[move.to.share] as ShareConfig;
  if (guest === undefined) return [];
  const found: Blocker[] = [];
  const at = { move: move.name };
  const qm = `${sshTo(config, config.nodes[share.node]?.ssh ?? share.node)} qm set ${guest.vmid}`;
  const shareNode = findings.nodes[share.node]?.hostname ?? share.node;
  if (guest.node !== shareNode) {
    found.push(
      blocker('plan/guest-on-another-node', {
        ...at,
        seen: `VM ${guest.vmid} is on ${guest.node}, the share on ${shareNode}`,
        next: [`qm migrate ${guest.vmid} ${shareNode}`],
      }),
    );
  }
  if (/\bmemory\b/.test(guest.vm.hotplug ?? '')) {
    found.push(
      blocker('plan/memory-hotplug', {
        ...at,
        seen: `hotplug: ${guest.vm.hotplug}`,
        next: [`${qm} --hotplug network,disk,usb`],
      }),
    );
  }
  if (!/^\d+$/.test(guest.vm.memory ?? '')) {
    found.push(
      blocker('plan/memory-unset', {
        ...at,
        seen: `memory: ${guest.vm.memory ?? '(not set)'}`,
        next: [`${qm} --memory 4096`],
      }),
    );
  }
  return found;
}

function workloads(config: Config, move: MoveConfig, source: GuestSystem, target: GuestSystem): Blocker[] {
  const found: Blocker[] = [];
  const at = { move: move.name };
  const { containers, units } = workloadsOf(move, source);
  const ignore = `moves.${move.name}.workloads.ignore in ${config.file}`;
  if (target.os === 'nixos' && move.definitions === 'carry' && containers.length + units.length > 0) {
    found.push(
      blocker('plan/nixos-carry', {
        ...at,
        seen: `${move.to.guest} is NixOS, and moves.${move.name}.definitions is carry`,
        next: [
          `describe the workloads in the configuration of ${move.to.guest}`,
          `set moves.${move.name}.definitions: present in ${config.file}`,
        ],
      }),
    );
  }
  for (const container of containers) {
    if (container.engine === 'docker') {
      found.push(...dockerBlockers(config, move, container, containers));
      continue;
    }
    const policy = container.restartPolicy !== 'no' && container.restartPolicy !== '';
    for (const [side, system] of [
      [move.from.guest, source],
      [move.to.guest, target],
    ] as const) {
      if (policy && olderThan(system.podmanVersion, 5, 1)) {
        found.push(
          blocker('plan/podman-too-old', {
            ...at,
            seen: `${container.name} has restart policy ${container.restartPolicy}; podman ${system.podmanVersion ?? '(none)'} on ${side}`,
            next: [`run it as a quadlet or with --restart=no on ${side}`, `name it in ${ignore}`],
          }),
        );
      }
    }
    if (
      move.definitions === 'carry' &&
      (container.create === undefined || container.create.cannotCarry !== undefined)
    ) {
      found.push(
        blocker('plan/cannot-carry', {
          ...at,
          seen: `container ${container.name}: ${container.create?.cannotCarry ?? 'podman does not tell how it was made'}`,
          next: [
            `make it on ${move.to.guest} by hand and set moves.${move.name}.definitions: present`,
            `name it in ${ignore}`,
          ],
        }),
      );
    }
  }
  for (const unit of units) {
    if (move.definitions === 'carry' && unit.cannotCarry !== undefined) {
      found.push(
        blocker('plan/cannot-carry', {
          ...at,
          seen: `${unit.name}: ${unit.cannotCarry}`,
          next: [
            `define it on ${move.to.guest} by hand and set moves.${move.name}.definitions: present`,
            `name it in ${ignore}`,
          ],
        }),
      );
    }
  }
  const users = new Set(
    [...containers, ...units].flatMap((workload) => (workload.user === undefined ? [] : [workload.user])),
  );
  for (const user of users) found.push(...userBlockers(config, move, user, source, target));
  const docker = containers.filter(({ engine }) => engine === 'docker');
  if (docker.length > 0) found.push(...dockerTools(config, move, docker, target));
  if (
    (containers.length > docker.length || units.some((unit) => unit.quadlet)) &&
    target.podmanVersion === undefined
  ) {
    found.push(
      blocker('plan/missing-tool', {
        ...at,
        seen: `podman on ${move.to.guest}`,
        next: [`${sshTo(config, config.guests[move.to.guest]?.ssh ?? move.to.guest)} apt-get install podman`],
      }),
    );
  }
  return found;
}

function userBlockers(
  config: Config,
  move: MoveConfig,
  name: string,
  source: GuestSystem,
  target: GuestSystem,
): Blocker[] {
  const at = { move: move.name };
  const ssh = sshTo(config, config.guests[move.to.guest]?.ssh ?? move.to.guest);
  const old = source.users.find((user) => user.name === name);
  if (old === undefined) return [];
  const now = target.users.find((user) => user.name === name);
  if (now === undefined) {
    return [
      blocker('plan/user-differs', {
        ...at,
        seen: `${name} (${old.uid}:${old.gid}) does not exist on ${move.to.guest}`,
        next: [
          `${ssh} useradd --uid ${old.uid} --gid ${old.gid} --create-home ${name}`,
          `${ssh} loginctl enable-linger ${name}`,
        ],
      }),
    ];
  }
  const found: Blocker[] = [];
  const ids = (user: UserFindings) => JSON.stringify([user.uid, user.gid, user.subuid, user.subgid]);
  if (ids(old) !== ids(now)) {
    found.push(
      blocker('plan/user-differs', {
        ...at,
        seen: `${name}: ${describe(old)} on ${move.from.guest}, ${describe(now)} on ${move.to.guest}`,
        next: [
          `make /etc/passwd, /etc/subuid and /etc/subgid of ${move.to.guest} equal to those of ${move.from.guest} for ${name}`,
        ],
      }),
    );
  }
  if (old.linger && !now.linger) {
    found.push(
      blocker('plan/user-differs', {
        ...at,
        seen: `${name} lingers on ${move.from.guest} and not on ${move.to.guest}: its containers would end with its last session`,
        next: [`${ssh} loginctl enable-linger ${name}`],
      }),
    );
  }
  return found;
}

function describe(user: UserFindings): string {
  const ranges = (list: UserFindings['subuid']) =>
    list.map((range) => `${range.first}+${range.count}`).join(' ') || 'none';
  return `${user.uid}:${user.gid}, subuid ${ranges(user.subuid)}, subgid ${ranges(user.subgid)}`;
}

function olderThan(version: string | undefined, major: number, minor: number): boolean {
  const match = /^(\d+)\.(\d+)/.exec(version ?? '');
  if (match === null) return true;
  const [, a, b] = match.map(Number) as [number, number, number];
  return a < major || (a === major && b < minor);
}
