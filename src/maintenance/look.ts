import type { Config, ShareConfig } from '../config/config.ts';
import { probe } from '../guest/probe.ts';
import { readSystem } from '../guest/system.ts';
import type { NotSeen } from '../inspect/findings.ts';
import { readWorkloads } from '../inspect/guest-workloads.ts';
import { seen } from '../inspect/not-seen.ts';
import { pathsOn, sharesOf } from '../plan/golden-path/context.ts';
import type { Journey, MaintainedGuest, MaintenanceFacts } from '../plan/golden-path/facts.ts';
import { shareLayout } from '../plan/share-layout.ts';
import type { ProxmoxClient } from '../proxmox/client.ts';
import { missingPrivileges, type PrivilegeNeed } from '../proxmox/permissions.ts';
import { proxmoxReader } from '../proxmox/reader.ts';
import type { Host, Hosts } from '../ssh/host.ts';
import { asUser } from '../workloads/as-user.ts';
import { haManaged } from './ha.ts';
import { readPlaces } from './places.ts';

export interface MaintenanceQuestion {
  readonly config: Config;
  readonly hosts: Hosts;
  readonly client: ProxmoxClient;
  readonly journey: Journey;
  /** ISO time. */
  readonly now: string;
}

/** Looks at the cluster, at both places of each share, and at the guests that mount them. Changes nothing. */
export async function readMaintenance(question: MaintenanceQuestion): Promise<MaintenanceFacts> {
  const { config, client, journey, now } = question;
  const { cluster: seen, notSeen } = await proxmoxReader(client).cluster();
  const shares = sharesOf(config, { cluster: seen }, journey);
  const vmids = new Set(
    seen.vms
      .filter(({ virtiofs }) =>
        virtiofs?.some(({ mapping }) => shares.some((share) => share.mapping === mapping)),
      )
      .map(({ vmid }) => vmid),
  );
  const names = Object.values(config.guests).filter(({ vmid }) => vmids.has(vmid));
  const needs = needsOf(shares, [...vmids]);
  const [missing, places, managed, guests] = await Promise.all([
    missingPrivileges(client, needs),
    Promise.all(shares.map((share) => readPlaces(question, share, notSeen))),
    haManaged(client),
    Promise.all(names.map(({ name }) => readGuest(question, name, shares, notSeen))),
  ]);
  return {
    format: 1,
    inspectedAt: now,
    cluster: { ...seen, missingPrivileges: missing },
    shares: Object.fromEntries(shares.map((share, index) => [share.name, places[index] ?? {}])),
    guests: Object.fromEntries(
      guests.flatMap((guest) =>
        guest === undefined ? [] : [[guest.name, { ...guest, haManaged: managed.has(guest.vmid) }]],
      ),
    ),
    notSeen,
  };

  function needsOf(of: readonly ShareConfig[], guestIds: readonly number[]): PrivilegeNeed[] {
    return [
      ...guestIds.flatMap((vmid): PrivilegeNeed[] => [
        { path: `/vms/${vmid}`, anyOf: ['VM.PowerMgmt'], for: `stopping and starting VM ${vmid}` },
        { path: `/vms/${vmid}`, anyOf: ['VM.Migrate'], for: `migrating VM ${vmid}` },
      ]),
      ...of.map(
        ({ mapping }): PrivilegeNeed => ({
          path: `/mapping/dir/${mapping}`,
          anyOf: ['Mapping.Modify'],
          for: `the entry of ${journey.node} in the mapping ${mapping}`,
        }),
      ),
    ];
  }
}

async function readGuest(
  { config, hosts, client }: MaintenanceQuestion,
  name: string,
  shares: readonly ShareConfig[],
  notSeen: NotSeen[],
): Promise<MaintainedGuest | undefined> {
  const guest = config.guests[name];
  if (guest === undefined) return undefined;
  const found = await seen(notSeen, `guest ${name}`, 'its virtual machine', () =>
    proxmoxReader(client).vm(guest.vmid),
  );
  if (found === undefined) return undefined;
  const localDisks = await seen(notSeen, `guest ${name}`, 'its local disks', () =>
    localDisksOf(client, found.vm.node, guest.vmid),
  );
  const base = {
    name,
    ...found.vm,
    localDisks: localDisks ?? [],
    unguarded: [] as string[],
    haManaged: false,
  };
  if (!found.vm.running) return base;
  const mounts = shares.filter(({ mapping }) =>
    found.vm.vm.virtiofs.some((device) => device.mapping === mapping),
  );
  const inside = await seen(notSeen, `guest ${name}`, 'the system inside', () =>
    readInside(hosts(name), config, name, mounts, notSeen),
  );
  return { ...base, ...inside };
}

async function readInside(
  host: Host,
  config: Config,
  name: string,
  shares: readonly ShareConfig[],
  notSeen: NotSeen[],
): Promise<Pick<MaintainedGuest, 'system' | 'bootSeconds' | 'unguarded'>> {
  const facts = await readSystem(host);
  const moves = Object.values(config.moves).filter(({ to }) => to.guest === name);
  const { notSeen: hidden, ...workloads } = await readWorkloads(host, facts, {
    movedPaths: pathsOn(config, name, shares),
    alsoUnits: moves.flatMap(({ alsoUnits }) => alsoUnits),
    isSource: true,
  });
  notSeen.push(...hidden);
  const { rootStore: _rootStore, users, ...system } = facts;
  const known = users.map(({ managerRuns: _managerRuns, storePath: _storePath, ...user }) => user);
  const mounts = shares.map(({ mount }) => shareLayout(mount).marker);
  const paths = pathsOn(config, name, shares);
  const units = workloads.units.filter((unit) =>
    unit.paths.some((used) => paths.some((path) => used === path || used.startsWith(`${path}/`))),
  );
  const answers = await probe<string>(host, {
    boot: ['systemctl', 'show', '--property=FinishTimestampMonotonic', '--value'],
    ...Object.fromEntries(
      units.map((unit) => {
        const user = known.find((each) => each.name === unit.user);
        const words = ['cat', '--', unit.name];
        return [
          `${unit.user ?? ''}/${unit.name}`,
          user === undefined ? ['systemctl', ...words] : asUser(user, ['systemctl', '--user', ...words]),
        ];
      }),
    ),
  });
  const microseconds = Number(answers.boot?.stdout.trim());
  return {
    system: { ...system, users: known, ...workloads },
    ...(microseconds > 0 ? { bootSeconds: Math.ceil(microseconds / 1e6) } : {}),
    unguarded: units
      .filter((unit) => {
        const lines = (answers[`${unit.user ?? ''}/${unit.name}`]?.stdout ?? '').split('\n');
        return !mounts.some((marker) => lines.includes(`AssertPathExists=${marker}`));
      })
      .map((unit) => (unit.user === undefined ? unit.name : `${unit.name} of ${unit.user}`)),
  };
}

/** Disks on storage that the other node does not have: the precondition of a migration lists them. */
async function localDisksOf(client: ProxmoxClient, node: string, vmid: number): Promise<string[]> {
  const answer = await client.get(`/nodes/${node}/qemu/${vmid}/migrate`);
  const disks =
    (answer as { local_disks?: { volid?: unknown; cdrom?: unknown }[] } | null)?.local_disks ?? [];
  return disks.flatMap(({ volid }) => (typeof volid === 'string' ? [volid] : []));
}
