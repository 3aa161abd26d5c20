import type { Config, ShareConfig } from '../../config/config.ts';
import type { Edit } from '../../config/edit.ts';
import { packageOf } from '../../guest/tools.ts';
import type { GuestFindings } from '../../inspect/findings.ts';
import { nixosGuestModule } from '../../nix/mount-module.ts';
import { shareBlockers } from '../blockers/cluster.ts';
import { shareContext } from '../context.ts';
import { blocker } from '../errors.ts';
import { writeFleetStep } from '../fleet/write-hosts.ts';
import type { Check } from '../operation.ts';
import type { Blocker, Plan, Step } from '../plan.ts';
import { planId } from '../plan-id.ts';
import { type DeviceTarget, deviceStep, powerCycleStep } from '../steps/device.ts';
import { shareSteps } from '../steps/index.ts';
import { type MountTarget, mountedStep, mountUnitsStep } from '../steps/mounts.ts';
import { moduleMoves } from '../steps/nixos-module.ts';
import { enterSteps } from './enter.ts';
import { guestBlocker } from './errors.ts';
import { guestStep } from './guest-step.ts';
import type { IntegrateFacts, IntegratePart } from './integrate-facts.ts';
import { nixosSteps } from './nixos-steps.ts';

export interface Integration {
  readonly skip: readonly IntegratePart[];
  readonly shares: readonly ShareConfig[];
}

/** Fits a guest into the fleet: its key, its configuration, its share, its entry. Pure. */
export function makeIntegration(
  config: Config,
  facts: IntegrateFacts,
  wanted: Integration,
  version: string,
): Plan {
  const does = (part: IntegratePart) => !wanted.skip.includes(part);
  const notes: string[] = [];
  const shares = does('share') ? wanted.shares : [];
  if (does('share') && shares.length === 0)
    notes.push(
      `No share of drayage.yaml is meant for ${facts.name}: no move goes to it. One is named by --share.`,
    );
  const moduleText = nixosModuleText(config, facts, shares, notes);
  const nixos = nixosSteps(facts, wanted.skip, moduleText, notes);
  const mounts = shares.map((share) => mountSteps(config, facts, share, moduleText));
  const steps = [
    ...(does('known-hosts') ? [knownHostsStep(facts)] : []),
    ...(does('hosts') ? hostsSteps(config, facts, notes) : []),
    ...nixos.files,
    ...mounts.flatMap(({ device }) => device),
    ...nixos.configuration,
    ...mounts.flatMap(({ mounted }) => mounted),
    ...(does('entry') ? entrySteps(facts, notes) : []),
  ];
  const blockers = [
    ...(does('known-hosts') ? knownHostsBlockers(facts) : []),
    ...shares.flatMap((share) => guestShareBlockers(config, facts, share)),
  ];
  const plan = {
    format: 1 as const,
    drayage: version,
    phases: [{ name: `guest ${facts.name}`, moves: [] }],
    steps,
    blockers: [...new Map(blockers.map((one) => [`${one.code} ${one.seen}`, one])).values()],
    notes,
  };
  return { ...plan, id: planId(plan), estimates: {} };
}

/** ssh as anybody on this machine would use it, with this machine's own known_hosts. */
function answersPlainly({ destination, name, sshConfig }: IntegrateFacts): Extract<Check, { kind: 'run' }> {
  return {
    kind: 'run',
    host: 'controller',
    argv: [
      'ssh',
      ...(sshConfig === undefined ? [] : ['-F', sshConfig]),
      ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10', '-o', 'StrictHostKeyChecking=yes'],
      ...['--', destination, 'true'],
    ],
    expect: { exitCode: 0 },
    what: `${name} answers: ssh ${destination}`,
  };
}

const addKey = [
  'set -eu',
  'umask 077',
  'mkdir -p -- "$(dirname -- "$1")"',
  // A file whose last line has no end would swallow the new one.
  '[ ! -s "$1" ] || [ -z "$(tail -c 1 -- "$1")" ] || echo >>"$1"',
  'printf "%s\\n" "$2" >>"$1"',
].join('\n');

function knownHostsStep(facts: IntegrateFacts): Step {
  const { hostKey, knownHosts, name } = facts;
  const known: Check = {
    kind: 'run',
    host: 'controller',
    argv: [
      ...['sh', '-c', 'ssh-keygen -F "$2" -f "$1" | grep -qF -- "$3"', 'sh'],
      ...[knownHosts.file, knownHosts.name, `${hostKey.type} ${hostKey.key}`],
    ],
    expect: { exitCode: 0 },
    what: `${knownHosts.file} has the key of ${knownHosts.name}`,
  };
  const word =
    hostKey.by === 'agent'
      ? 'The guest agent read it inside the guest, and the guest answered with it: nobody in between can have changed it who cannot change the API.'
      : 'You have compared it with what the console of the guest shows.';
  return guestStep(facts, 'host-key', {
    title: `Host key of ${name} in ${knownHosts.file}: ${hostKey.fingerprint}`,
    why: word,
    probe: [known],
    operations: [
      {
        kind: 'run',
        host: 'controller',
        argv: [
          'sh',
          '-c',
          addKey,
          'sh',
          knownHosts.file,
          `${knownHosts.name} ${hostKey.type} ${hostKey.key}`,
        ],
        what: 'add the line',
      },
    ],
    proof: [known],
  });
}

function knownHostsBlockers({ hostKey, knownHosts, name }: IntegrateFacts): Blocker[] {
  if (knownHosts.other === undefined) return [];
  return [
    guestBlocker('guest/other-host-key', {
      seen: `${knownHosts.file} has ${knownHosts.other} for ${knownHosts.name}; ${name} has ${hostKey.fingerprint}`,
      next: [
        `when the machine that had it before is gone: ssh-keygen -R '${knownHosts.name}' -f ${knownHosts.file}`,
        `drayage guest integrate ${name}`,
      ],
    }),
  ];
}

/** What hosts.nix shall say; what could not be edited is a note with the text to paste. */
function hostsSteps({ tofu }: Config, { hosts, name }: IntegrateFacts, notes: string[]): Step[] {
  if (hosts === undefined) return [];
  const { byHand, edit, file } = hosts;
  notes.push(...byHand.map((text) => `${file} is not edited there:\n${text}`));
  if (edit === undefined) return [];
  if (tofu !== undefined) notes.push(`The files of OpenTofu are made from ${file}: drayage tofu generate.`);
  return [{ ...writeFleetStep(edit), phase: `guest ${name}` }];
}

/** The module of a NixOS guest: its shares; and, where the sources were looked at, its moves with their workloads. */
function nixosModuleText(
  config: Config,
  { moves, name, os }: IntegrateFacts,
  shares: readonly ShareConfig[],
  notes: string[],
): string | undefined {
  if (os !== 'nixos' || shares.length === 0) return undefined;
  const told = moves === undefined ? { moves: [], unseen: [] } : moduleMoves(config, moves, name);
  if (told.unseen.length === 0) return nixosGuestModule(name, told.moves, shares);
  notes.push(
    `The module of ${name} is not written: ${told.unseen.join(', ')} cannot be told. drayage plan says why.`,
  );
  return undefined;
}

/** The steps up to the guest that has the device, and those up to the mount. */
function mountSteps(
  config: Config,
  facts: IntegrateFacts,
  share: ShareConfig,
  moduleText: string | undefined,
): { device: Step[]; mounted: Step[] } {
  const { findings, name, nixos, os } = facts;
  if (findings.nodes[share.node] === undefined) return { device: [], mounted: [] };
  const context = shareContext(config, findings, share);
  const phase = `guest ${name}`;
  const target: DeviceTarget = {
    name,
    phase,
    guest: name,
    vmid: facts.vmid,
    share,
    findings: findings.guests[name] as GuestFindings,
    // What the data uses is known when a move is planned; `drayage apply` changes the device then.
    uses: { acls: 0, xattrs: 0, capabilities: 0 },
    running: facts.running,
  };
  const mount: MountTarget = {
    name,
    phase,
    guest: name,
    os: facts.os,
    share,
    markerText: context.markerText,
    needs: [],
    nixModule: () => {
      const text = moduleText ?? nixosGuestModule(name, [], [share]);
      return nixos?.module === undefined
        ? text
        : `${nixos.module.path}, imported by the configuration of ${name}:\n${text}`;
    },
  };
  const own = (step: Step): Step => ({
    ...step,
    id: step.id.replace(` ${name}`, ` ${name}-${share.name}`),
    needs: step.needs.map((id) => id.replace(new RegExp(` ${name}$`), ` ${name}-${share.name}`)),
  });
  const device = deviceStep(target);
  const units = mountUnitsStep(mount);
  const power = powerCycleStep(target, device, []);
  const mounted = mountedStep(mount);
  const first = shareSteps(context, phase);
  if (os !== 'nixos') return { device: [...first, ...[units, device, power, mounted].map(own)], mounted: [] };
  // The configuration mounts as soon as it is switched to: the device has to be there before.
  const early = { ...power, needs: power.needs.filter((id) => id !== units.id) };
  const late = { ...mounted, needs: [...mounted.needs, units.id] };
  return { device: [...first, ...[device, early].map(own)], mounted: [units, late].map(own) };
}

function guestShareBlockers(config: Config, facts: IntegrateFacts, share: ShareConfig): Blocker[] {
  const { findings, name, os, vmid } = facts;
  const guest = findings.guests[name] as GuestFindings;
  const node = findings.nodes[share.node]?.hostname;
  const found = [...shareBlockers(config, findings, share)];
  if (node !== undefined && guest.node !== node)
    found.push(
      blocker('plan/guest-on-another-node', {
        seen: `VM ${vmid} is on ${guest.node}, the share on ${node}`,
        next: [`qm migrate ${vmid} ${node}   # on ${guest.node}`],
      }),
    );
  if (/\bmemory\b/.test(guest.vm.hotplug ?? ''))
    found.push(
      blocker('plan/memory-hotplug', {
        seen: `hotplug: ${guest.vm.hotplug}`,
        next: [`on ${guest.node}: qm set ${vmid} --hotplug network,disk,usb`],
      }),
    );
  if (!/^\d+$/.test(guest.vm.memory ?? ''))
    found.push(
      blocker('plan/memory-unset', {
        seen: `memory: ${guest.vm.memory ?? '(not set)'}`,
        next: [`on ${guest.node}: qm set ${vmid} --memory 4096`],
      }),
    );
  return [
    ...found,
    ...facts.missingTools.map((tool) =>
      blocker('plan/missing-tool', {
        seen: `${tool} on ${name}`,
        next: [
          os === 'nixos'
            ? `add ${packageOf(tool)} to environment.systemPackages of ${name}`
            : `ssh ${facts.destination} apt-get install ${packageOf(tool)}`,
        ],
      }),
    ),
  ];
}

function entrySteps(facts: IntegrateFacts, notes: string[]): Step[] {
  const { destination, entered, file, name, vmid } = facts;
  const edits: Edit[] = [
    ...(entered.vmid === vmid ? [] : [{ path: ['guests', name, 'vmid'], value: vmid } satisfies Edit]),
    ...(entered.ssh === destination
      ? []
      : [{ path: ['guests', name, 'ssh'], value: destination } satisfies Edit]),
    ...(facts.sudo ? [{ path: ['guests', name, 'sudo'], value: true } satisfies Edit] : []),
  ];
  const plain = answersPlainly(facts);
  const reachable = guestStep(facts, 'reachable', {
    title: `${name} answers as drayage.yaml names it: ssh ${destination}`,
    why: 'With your own ssh configuration and known_hosts: that is how every other command reaches it.',
    probe: [plain],
    proof: [{ ...plain, within: 30 }],
  });
  return [reachable, ...enterSteps({ name, file, needs: [reachable.id] }, edits, notes)];
}
