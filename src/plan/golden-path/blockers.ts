import type { Config } from '../../config/config.ts';
import { packageOf } from '../../guest/tools.ts';
import { sshTo } from '../blockers/ssh-to.ts';
import type { Blocker } from '../plan.ts';
import { bytes } from '../render/words.ts';
import { shareLayout } from '../share-layout.ts';
import { type Passage, type Place, sharesOf, type Traveller } from './context.ts';
import { maintenanceBlocker } from './errors.ts';
import type { Journey, MaintenanceFacts } from './facts.ts';
import { commandOf } from './names.ts';
import { ownSnapshotsOf } from './stream.ts';

interface Asked {
  readonly config: Config;
  readonly facts: MaintenanceFacts;
  readonly journey: Journey;
  readonly passages: readonly Passage[];
  readonly travellers: readonly Traveller[];
}

/** Everything that keeps shares and guests from being carried. */
export function maintenanceBlockers(asked: Asked): Blocker[] {
  const { config, facts, journey, passages, travellers } = asked;
  return [
    ...clusterBlockers(config, facts, journey),
    ...passages.flatMap((passage) => passageBlockers(config, facts, passage)),
    ...strangers(config, facts, passages),
    ...travellers.flatMap((traveller) => guestBlockers(asked, traveller)),
  ];
}

const on = (config: Config, node: string) => sshTo(config, config.nodes[node]?.ssh ?? node);

function clusterBlockers(config: Config, facts: MaintenanceFacts, journey: Journey): Blocker[] {
  const found: Blocker[] = [];
  const shares = sharesOf(config, facts, journey);
  if (shares.length === 0)
    found.push(
      maintenanceBlocker('maintenance/no-share', {
        seen: `no share of ${config.file} can be on ${journey.node}`,
        next: [`add \`maintenance: { ${journey.node}: { path: ... } }\` to a share in ${config.file}`],
      }),
    );
  if (facts.cluster.quorate === false)
    found.push(
      maintenanceBlocker('maintenance/no-quorum', {
        seen: 'the cluster says quorate: 0',
        next: [`${on(config, journey.node)} pvecm status`],
      }),
    );
  for (const { subject, what, seen, next } of facts.cluster.missingPrivileges ?? [])
    found.push(
      maintenanceBlocker('maintenance/missing-privilege', {
        seen: `${subject}: ${seen} (for ${what})`,
        next: next.split('; '),
      }),
    );
  for (const share of shares) {
    const seen = facts.shares[share.name];
    const lost = [
      ...(seen?.own === undefined ? [share.node] : []),
      ...(seen?.other === undefined ? [journey.node] : []),
    ];
    for (const node of lost) {
      const why = facts.notSeen.find(({ subject }) => subject === `node ${node}`);
      found.push(
        maintenanceBlocker('maintenance/not-reached', {
          seen: `${node}: ${why?.seen ?? 'it was not looked at'}`,
          next: why === undefined ? [`${on(config, node)} true`] : [why.next, ...(why.more ?? [])],
        }),
      );
    }
  }
  return found;
}

function passageBlockers(config: Config, facts: MaintenanceFacts, passage: Passage): Blocker[] {
  const { from, to, share, journey } = passage;
  const found: Blocker[] = [];
  const add = (code: Parameters<typeof maintenanceBlocker>[0], seen: string, ...next: string[]) =>
    found.push(maintenanceBlocker(code, { seen, next }));
  for (const place of [from, to]) {
    if (facts.cluster.nodes.some(({ name, online }) => name === place.clusterNode && !online))
      add(
        'maintenance/node-offline',
        `${place.clusterNode} is offline`,
        `${on(config, place.node)} pvecm status`,
      );
  }
  const entries = facts.cluster.mappings.find(({ id }) => id === share.mapping)?.entries ?? [];
  const mapped = entries.find(({ node }) => node === from.clusterNode);
  const other = entries.find(({ node }) => node === to.clusterNode);
  if (other !== undefined && other.path !== to.path)
    add(
      'maintenance/mapping',
      `mapping ${share.mapping} points ${to.clusterNode} at ${other.path}; the place of the share there is ${to.path}`,
      `${on(config, to.node)} pvesh get /cluster/mapping/dir/${share.mapping}`,
      `name that path in ${config.file}, or remove the entry of ${to.clusterNode} if nothing needs it`,
    );
  if (mapped?.path !== from.path)
    add(
      'maintenance/mapping',
      `mapping ${share.mapping} points ${from.clusterNode} at ${mapped?.path ?? 'nothing'}; the share is at ${from.path}`,
      `${on(config, from.node)} pvesh get /cluster/mapping/dir/${share.mapping}`,
    );
  if (passage.oneDirectory) return found;
  found.push(...markerBlockers(config, passage));
  const arrived = to.facts.marker !== undefined;
  const inside = [...new Set([...from.facts.submounts, ...(to.facts.submounts ?? [])])];
  if (inside.length > 0)
    add(
      'maintenance/submounts',
      `inside ${share.name}: ${inside.slice(0, 5).join(', ')}`,
      `${on(config, from.node)} findmnt -R ${from.path}`,
    );
  if (arrived) return found;
  found.push(...(passage.stream === undefined ? placeBlockers(config, passage) : unseenBlockers(config, to)));
  const data = from.facts.amount;
  const { base, unfinished } = passage.stream ?? {};
  const filled = [to.facts.standby, base, unfinished].some((some) => some !== undefined);
  if (!filled && data !== undefined && data.allocatedBytes > to.facts.availableBytes)
    add(
      'maintenance/no-room',
      `${share.name} takes ${bytes(data.allocatedBytes)}; ${to.node}:${to.path} has ${bytes(to.facts.availableBytes)}`,
      `${on(config, to.node)} df -h ${to.path}`,
    );
  for (const place of [from, to])
    for (const tool of place.facts.missingTools)
      add(
        'maintenance/missing-tool',
        `${tool} on ${place.node}`,
        `${on(config, place.node)} apt-get install ${packageOf(tool)}`,
      );
  if (to.facts.rsyncRefuses?.what === 'pass')
    add(
      'maintenance/rsync-refuses',
      `rsync on ${to.node}: ${to.facts.rsyncRefuses.said}`,
      `${on(config, to.node)} rsync --version   # update it`,
      commandOf(journey),
    );
  if (to.facts.cannotReach !== undefined)
    add(
      'maintenance/no-ssh',
      `${to.node}: ssh ${from.sshFromNode} true: ${to.facts.cannotReach}`,
      `${on(config, to.node)} ssh -o BatchMode=yes ${from.sshFromNode} true`,
      `if ${to.node} reaches ${from.node} by another name, set nodes.${from.node}.sshFromNode in ${config.file}`,
      commandOf(journey),
    );
  return found;
}

function markerBlockers(config: Config, { from, to, share, journey }: Passage): Blocker[] {
  const both = [from, to].map(({ facts }) => facts.marker);
  const look = [from, to].map((place) => `${on(config, place.node)} ls -l ${shareLayout(place.path).folder}`);
  if (both.every((marker) => marker !== undefined))
    return [
      maintenanceBlocker('maintenance/no-marker', {
        seen: `${from.node}:${from.path} and ${to.node}:${to.path} both have the marker of ${share.name}`,
        next: look,
      }),
    ];
  if (both.every((marker) => marker === undefined))
    return [
      maintenanceBlocker('maintenance/no-marker', {
        seen: `neither ${from.node}:${from.path} nor ${to.node}:${to.path} has the marker of ${share.name}`,
        next: [
          journey.direction === 'enter' ? 'drayage apply   # makes the share first' : (look[0] as string),
          ...look,
        ],
      }),
    ];
  const { marker, standby } = from.facts;
  if (marker !== undefined || standby !== undefined) return [];
  return [
    maintenanceBlocker('maintenance/not-here', {
      seen: `${to.node}:${to.path} has the current data of ${share.name}, and ${from.node}:${from.path} never had it`,
      next: [
        journey.direction === 'enter'
          ? 'drayage maintenance leave'
          : `drayage maintenance enter ${from.node}`,
      ],
    }),
  ];
}

/** A dataset that is not mounted, and yet something lies where it will be. */
function unseenBlockers(config: Config, { facts, path, node }: Place): Blocker[] {
  const wrong = facts.state === 'not-a-directory' || (!facts.mounted && facts.inside.length > 0);
  return wrong
    ? [
        maintenanceBlocker('maintenance/occupied', {
          seen: `${node}:${path} is ${facts.inside.length > 0 ? `not mounted, and has ${facts.inside.slice(0, 5).join(', ')}` : 'no directory'}`,
          next: [`${on(config, node)} ls -la ${path}`],
        }),
      ]
    : [];
}

function placeBlockers(config: Config, { to, because, journey }: Passage): Blocker[] {
  const { facts, path, node, dataset } = to;
  const here = on(config, node);
  const blocker = (
    code: 'maintenance/no-place' | 'maintenance/occupied',
    seen: string,
    ...next: string[]
  ) => [maintenanceBlocker(code, { seen, next })];
  if (dataset !== undefined && facts.dataset === undefined && facts.inside.length === 0) return [];
  if (facts.dataset?.mountpoint === 'none' && ownSnapshotsOf(to).length > 0)
    return blocker(
      'maintenance/no-place',
      `${node}:${dataset} has what an earlier zfs send brought, and cannot be gone on with: ${because}`,
      `${here} zfs list -t snapshot ${dataset}   # destroy what is newer than the last @drayage-maintenance-N, if nobody needs it`,
      ...(journey.direction === 'enter' ? [`drayage maintenance leave ${journey.node} --forget`] : []),
    );
  if (facts.state !== 'directory')
    return blocker(
      'maintenance/no-place',
      `${node}:${path} is ${facts.state === 'missing' ? 'missing' : 'no directory'}`,
      `${here} mkdir -p ${path}   # on the disk that shall have it`,
    );
  if (to.isMount && !facts.mounted)
    return blocker(
      'maintenance/no-place',
      `nothing is mounted at ${node}:${path}`,
      `${here} findmnt -T ${path}`,
    );
  if (facts.standby === undefined && facts.inside.length > 0)
    return blocker(
      'maintenance/occupied',
      `${node}:${path} has ${facts.inside.slice(0, 5).join(', ')}`,
      `${here} ls -la ${path}`,
      'name an empty directory in its place, below it for example',
    );
  return [];
}

/** Virtual machines with a device of the share that the configuration does not know. */
function strangers(config: Config, { cluster }: MaintenanceFacts, passages: readonly Passage[]): Blocker[] {
  const known = new Set(Object.values(config.guests).map(({ vmid }) => vmid));
  return cluster.vms
    .filter(({ vmid }) => !known.has(vmid))
    .flatMap((vm) =>
      passages
        .filter(({ share }) => vm.virtiofs?.some(({ mapping }) => mapping === share.mapping))
        .map(({ share }) =>
          maintenanceBlocker('maintenance/unknown-guest', {
            seen: `VM ${vm.vmid} (${vm.name}) on ${vm.node} has a device of ${share.mapping}`,
            next: [
              `add it to guests in ${config.file}, or remove the device: qm set ${vm.vmid} --delete ${vm.virtiofs?.find(({ mapping }) => mapping === share.mapping)?.key ?? 'virtiofs0'}`,
            ],
          }),
        ),
    );
}

function guestBlockers({ config, facts, journey, passages }: Asked, traveller: Traveller): Blocker[] {
  const { stays, shares, config: guest, facts: seen } = traveller;
  const passage = passages.find(({ share }) => shares.includes(share));
  if (passage === undefined) return [];
  const { from, to } = passage;
  const found: Blocker[] = [];
  const add = (code: Parameters<typeof maintenanceBlocker>[0], what: string, ...next: string[]) =>
    found.push(maintenanceBlocker(code, { seen: what, next }));
  const leaveOut = `to leave it behind, stopped: shares.${passage.share.name}.maintenance.${journey.node}.without: [${guest.name}] in ${config.file}`;
  const arrived = passage.oneDirectory ? false : to.facts.marker !== undefined;
  if (
    !stays &&
    !arrived &&
    seen.node !== from.clusterNode &&
    !(passage.oneDirectory && seen.node === to.clusterNode)
  )
    add(
      'maintenance/guest-elsewhere',
      `${guest.name} (VM ${guest.vmid}) is on ${seen.node}, not on ${from.clusterNode}`,
      leaveOut,
      `or bring it there: qm migrate ${guest.vmid} ${from.clusterNode}, stopped`,
    );
  if (!passage.oneDirectory && !arrived && seen.running && seen.node === to.clusterNode)
    add(
      'maintenance/guest-on-old-data',
      `${guest.name} (VM ${guest.vmid}) runs on ${to.clusterNode}, and the data of ${passage.share.name} there is that of an earlier time`,
      `${on(config, to.node)} qm shutdown ${guest.vmid}`,
      commandOf(journey),
    );
  if (!stays && seen.vm.pciPassthrough.length > 0)
    add(
      'maintenance/passthrough',
      `${guest.name} (VM ${guest.vmid}) has ${seen.vm.pciPassthrough.join(', ')}`,
      leaveOut,
    );
  if (seen.haManaged)
    add(
      'maintenance/ha',
      `${guest.name} (VM ${guest.vmid}) is managed by HA`,
      `ha-manager remove vm:${guest.vmid}   # and add it again afterwards`,
    );
  if (seen.running && seen.system === undefined) {
    const why = facts.notSeen.find(({ subject }) => subject === `guest ${guest.name}`);
    add(
      'maintenance/not-reached',
      `${guest.name}: ${why?.seen ?? 'it was not looked at'}`,
      why?.next ?? `${sshTo(config, guest.ssh)} true`,
    );
  }
  for (const device of stays ? [] : seen.vm.virtiofs) {
    if (shares.some(({ mapping }) => mapping === device.mapping)) continue;
    const entries = facts.cluster.mappings.find(({ id }) => id === device.mapping)?.entries ?? [];
    if (!entries.some(({ node }) => node === to.clusterNode))
      add(
        'maintenance/other-share',
        `${guest.name} has ${device.key}: ${device.raw}, and mapping ${device.mapping} has no entry for ${to.clusterNode}`,
        leaveOut,
        `add that share to ${config.file} with a place on ${journey.node}`,
      );
  }
  for (const unit of seen.unguarded)
    add(
      'maintenance/unguarded',
      `${unit} on ${guest.name}`,
      `give it AssertPathExists=${shareLayout(passage.share.mount).marker}, in a drop-in or your NixOS configuration`,
    );
  return found;
}
