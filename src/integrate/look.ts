import { isIP } from 'node:net';
import type { Config, GuestWish, ShareConfig } from '../config/config.ts';
import { readConfigText } from '../create/look.ts';
import { probe } from '../guest/probe.ts';
import type { Findings, NodeFindings, NotSeen, ShareFindings } from '../inspect/findings.ts';
import { readNode } from '../inspect/node.ts';
import { readShare } from '../inspect/share.ts';
import type { SeenVm } from '../plan/guest/facts.ts';
import type { IntegrateFacts, IntegratePart } from '../plan/guest/integrate-facts.ts';
import type { ProxmoxClient } from '../proxmox/client.ts';
import { proxmoxReader } from '../proxmox/reader.ts';
import type { Host, Hosts } from '../ssh/host.ts';
import { fingerprintOf, type HostKey, parseHostKey, resolveDestination } from '../ssh/host-key.ts';
import { integrateError } from './errors.ts';
import { readHostsFile } from './hosts-file.ts';
import { readNixos } from './nixos.ts';
import type { Reached } from './reach.ts';

/** Programs that fitting in runs in a guest that is no NixOS. */
const tools = ['chattr', 'mountpoint', 'systemctl'] as const;

export interface IntegrateQuestion {
  readonly client: ProxmoxClient;
  readonly config: Config;
  readonly hosts: Hosts;
  readonly vm: SeenVm;
  readonly name: string;
  readonly os: string;
  readonly sudo: boolean;
  readonly reached: Reached;
  /** The guest, at the place where it was reached. */
  readonly guest: Host;
  readonly shares: readonly ShareConfig[];
  /** What the guest agent tells, where it tells anything. */
  readonly addresses: readonly string[];
  readonly skip: readonly IntegratePart[];
  readonly now: string;
}

/** The shares that a guest shall mount: those that are named, else those of the moves that go to it. */
export function sharesFor(config: Config, name: string, named: readonly string[]): ShareConfig[] {
  const wanted =
    named.length > 0
      ? named
      : Object.values(config.moves).flatMap(({ to }) => (to.guest === name ? [to.share] : []));
  return [...new Set(wanted)].map((share) => {
    const found = config.shares[share];
    if (found !== undefined) return found;
    const known = Object.keys(config.shares);
    throw integrateError('integrate/unknown-share', {
      seen: `--share ${share}; there is ${known.join(', ') || 'none'}`,
      next: known.map((one) => `drayage guest integrate ${name} --share ${one}`),
    });
  });
}

/** Everything that fitting a guest in needs to know. Changes nothing. */
export async function readIntegrateFacts(question: IntegrateQuestion): Promise<IntegrateFacts> {
  const { config, guest, hosts, name, os, reached, sudo, vm } = question;
  const controller = hosts('controller');
  const resolved = await resolveDestination(controller, reached.destination, config.ssh.config);
  const other = await otherKey(controller, resolved.knownHosts, resolved.knownAs, reached.key);
  const entered: Partial<GuestWish> = config.guests[name] ?? config.wishes[name] ?? {};
  const answers = await probe<string>(guest, {
    ...Object.fromEntries(tools.map((tool) => [tool, ['command', '-v', tool]])),
    podman: ['podman', 'ps', '--format', '{{.Names}}'],
  });
  const nixos =
    os === 'nixos' && config.hosts !== undefined
      ? await readNixos({ controller, guest, name, hostsFile: config.hosts.file, key: reached.key })
      : undefined;
  const known = [resolved.hostname, ...question.addresses].filter((address) => isIP(address) !== 0);
  const hostsFile = question.skip.includes('hosts')
    ? undefined
    : await readHostsFile({
        ...{ controller, config, name, vm, key: reached.key, addresses: known },
        shares: question.skip.includes('share') ? [] : question.shares,
      });
  return {
    ...(hostsFile === undefined ? {} : { hosts: hostsFile }),
    file: await readConfigText(config.file),
    name,
    vmid: vm.vmid,
    destination: reached.destination,
    sudo,
    entered: {
      ...(entered.vmid === undefined ? {} : { vmid: entered.vmid }),
      ...(entered.ssh === undefined ? {} : { ssh: entered.ssh }),
    },
    ...(config.ssh.config === undefined ? {} : { sshConfig: config.ssh.config }),
    hostKey: { ...reached.key, fingerprint: fingerprintOf(reached.key), by: reached.by },
    knownHosts: {
      file: resolved.knownHosts,
      name: resolved.knownAs,
      ...(other === undefined ? {} : { other }),
    },
    os,
    missingTools: tools.filter((tool) => answers[tool]?.exitCode !== 0),
    running: answers.podman?.exitCode === 0 ? answers.podman.stdout.split('\n').filter(Boolean) : [],
    findings: await readFindings(question),
    ...(nixos === undefined ? {} : { nixos }),
  };
}

/** Another key of the same type that known_hosts has under the name: ssh would refuse the guest. */
async function otherKey(
  controller: Host,
  file: string,
  name: string,
  key: HostKey,
): Promise<string | undefined> {
  const argv = ['ssh-keygen', '-F', name, '-f', file];
  const found = (await controller.run(argv, { timeoutSeconds: 30 })).stdout
    .toString('utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('#') ? [] : (parseHostKey(line.replace(/^\S+ /, '')) ?? [])))
    .filter(({ type }) => type === key.type);
  if (found.length === 0 || found.some((one) => one.key === key.key)) return undefined;
  return fingerprintOf(found[0] as HostKey);
}

async function readFindings(question: IntegrateQuestion): Promise<Findings> {
  const { client, hosts, name, now, shares, vm } = question;
  const mappings = shares.map(({ mapping }) => mapping);
  const targets = shares.map(({ mapping, path }) => ({ vmid: vm.vmid, mapping, path }));
  const reader = proxmoxReader(client, { vmids: [vm.vmid], mappings, targets });
  const { cluster, notSeen } = await reader.cluster();
  const seen = await reader.vm(vm.vmid);
  const nodes: Record<string, NodeFindings> = {};
  const found: Record<string, ShareFindings> = {};
  const hidden: NotSeen[] = [...notSeen, ...seen.notSeen];
  for (const share of shares) {
    const host = hosts(share.node);
    if (nodes[share.node] === undefined) {
      const { node, notSeen: more } = await readNode(host);
      nodes[share.node] = node;
      hidden.push(...more);
    }
    found[share.name] = (await readShare(host, share, [])).share;
  }
  return {
    format: 1,
    inspectedAt: now,
    cluster,
    nodes,
    guests: { [name]: { name, ...seen.vm } },
    shares: found,
    moves: {},
    notSeen: hidden,
  };
}
