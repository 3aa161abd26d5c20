import { z } from 'zod';
import type { Config, GuestConfig, ShareConfig } from '../config/config.ts';
import type { ClusterFindings, NotSeen } from '../inspect/findings.ts';
import { parseAnswer } from './answer.ts';
import type { ProxmoxClient } from './client.ts';
import { grantOf } from './refusal.ts';

/** A privilege on a path of the access control tree; one of `anyOf` is enough. */
export interface PrivilegeNeed {
  readonly path: string;
  readonly anyOf: readonly [string, ...string[]];
  /** What cannot be seen, or done, without it. */
  readonly for: string;
}

/** What the moves of a configuration want to see, and to change, through the API. */
export interface Wanted {
  readonly vmids: readonly number[];
  readonly mappings: readonly string[];
  /** Guests that get the share's device; without them it is not asked what apply needs. */
  readonly targets?: readonly { readonly vmid: number; readonly mapping: string; readonly path: string }[];
}

/** Everything that the moves of a configuration concern. */
export function wantedBy(config: Pick<Config, 'guests' | 'shares' | 'moves'>): Wanted {
  const moves = Object.values(config.moves);
  const vmid = (guest: string) => (config.guests[guest] as GuestConfig).vmid;
  const share = (name: string) => config.shares[name] as ShareConfig;
  return {
    vmids: [...new Set(moves.flatMap(({ from, to }) => [vmid(from.guest), vmid(to.guest)]))],
    mappings: [...new Set(moves.map(({ to }) => share(to.share).mapping))],
    targets: moves.map(({ to }) => {
      const { mapping, path } = share(to.share);
      return { vmid: vmid(to.guest), mapping, path };
    }),
  };
}

/** What inspection wants to see (the API leaves out silently what a token may not see). */
export function privilegesToInspect(wanted: Pick<Wanted, 'vmids' | 'mappings'>): PrivilegeNeed[] {
  return [
    { path: '/', anyOf: ['Sys.Audit'], for: 'the quorum of the cluster' },
    ...wanted.vmids.map(
      (vmid): PrivilegeNeed => ({
        path: `/vms/${vmid}`,
        anyOf: ['VM.Audit'],
        for: `virtual machine ${vmid} and its configuration`,
      }),
    ),
    ...wanted.mappings.map(
      (id): PrivilegeNeed => ({
        path: `/mapping/dir/${id}`,
        anyOf: ['Mapping.Audit', 'Mapping.Use', 'Mapping.Modify'],
        for: `whether the directory mapping ${id} exists`,
      }),
    ),
  ];
}

/** What carrying out a plan takes (pve-manager Cluster/Mapping/Dir.pm, qemu-server API2/Qemu.pm). */
export function privilegesToApply(wanted: {
  /** Virtual machines that get a virtiofs device and are power cycled. */
  readonly vmids: readonly number[];
  readonly mappings: readonly {
    readonly id: string;
    readonly exists: boolean;
    /** It has the entry that the share needs already. */
    readonly complete?: boolean;
  }[];
}): PrivilegeNeed[] {
  return [
    ...wanted.vmids.flatMap((vmid): PrivilegeNeed[] => [
      {
        path: `/vms/${vmid}`,
        anyOf: ['VM.Config.Disk'],
        for: `giving virtual machine ${vmid} a virtiofs device`,
      },
      { path: `/vms/${vmid}`, anyOf: ['VM.PowerMgmt'], for: `stopping and starting virtual machine ${vmid}` },
    ]),
    ...wanted.mappings.flatMap(({ id, exists, complete }): PrivilegeNeed[] => [
      ...(complete === true
        ? []
        : ([
            {
              path: exists ? `/mapping/dir/${id}` : '/mapping/dir',
              anyOf: ['Mapping.Modify'],
              for: `${exists ? 'changing' : 'making'} the directory mapping ${id}`,
            },
          ] satisfies PrivilegeNeed[])),
      {
        path: `/mapping/dir/${id}`,
        anyOf: ['Mapping.Use'],
        for: `letting a virtual machine use the directory mapping ${id}`,
      },
    ]),
  ];
}

/** What carrying out the moves takes, in the cluster as it is. A mapping that this token cannot see counts as missing. */
export function privilegesForTargets(
  targets: NonNullable<Wanted['targets']>,
  cluster: Pick<ClusterFindings, 'mappings' | 'vms'>,
): PrivilegeNeed[] {
  return privilegesToApply({
    vmids: [...new Set(targets.map(({ vmid }) => vmid))],
    mappings: [...new Set(targets.map(({ mapping }) => mapping))].map((id) => {
      const found = cluster.mappings.find((mapping) => mapping.id === id);
      const inPlace = ({ vmid, path }: (typeof targets)[number]) => {
        const node = cluster.vms.find((vm) => vm.vmid === vmid)?.node;
        return found?.entries.some((entry) => entry.node === node && entry.path === path) === true;
      };
      return {
        id,
        exists: found !== undefined,
        complete: targets.filter(({ mapping }) => mapping === id).every(inPlace),
      };
    }),
  });
}

/** Path -> privilege -> whether it propagates. With privilege separation, what token and user have in common. */
const permissionsSchema = z.record(z.string(), z.record(z.string(), z.unknown()));

/** The needs that the token does not meet, by its effective permissions on exactly these paths. Changes nothing. */
export async function missingPrivileges(
  client: Pick<ProxmoxClient, 'get' | 'tokenId'>,
  needs: readonly PrivilegeNeed[],
): Promise<NotSeen[]> {
  const held = new Map<string, readonly string[]>();
  for (const path of new Set(needs.map((need) => need.path))) {
    const question = `/access/permissions?path=${encodeURIComponent(path)}`;
    const answer = parseAnswer(permissionsSchema, await client.get(question), question);
    held.set(path, Object.keys(answer[path] ?? {}));
  }
  return needs
    .filter((need) => !need.anyOf.some((privilege) => held.get(need.path)?.includes(privilege)))
    .map((need) => ({
      subject: `token ${client.tokenId}`,
      what: need.for,
      seen: `${need.anyOf.join(' or ')} on ${need.path} is missing`,
      next: grantOf(need.path, need.anyOf[0], client.tokenId).join('; '),
    }));
}
