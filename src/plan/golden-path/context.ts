import type { Config, GuestConfig, ShareConfig } from '../../config/config.ts';
import type { ContainerFindings, UnitFindings } from '../../inspect/findings.ts';
import { isBelow, type Seen, type WorkloadContext } from '../context.ts';
import type { Check } from '../operation.ts';
import { shareLayout } from '../share-layout.ts';
import type { Journey, MaintainedGuest, MaintenanceFacts, PlaceFacts } from './facts.ts';
import { copyKey, phaseOf } from './names.ts';
import { chooseStream, type Stream } from './stream.ts';

/** One of the two places of a share. */
export interface Place {
  /** Name of the node in drayage.yaml. */
  readonly node: string;
  /** Its name in the cluster. */
  readonly clusterNode: string;
  readonly path: string;
  readonly dataset?: string;
  /** The place is a mount point of its own. */
  readonly isMount: boolean;
  /** How the other node reaches this one. */
  readonly sshFromNode: string;
  readonly facts: PlaceFacts;
}

/** A share on its way from one node to another. */
export interface Passage {
  readonly journey: Journey;
  readonly share: ShareConfig;
  /** What marks and estimates know the copy by. */
  readonly key: string;
  readonly phase: string;
  readonly from: Place;
  readonly to: Place;
  /** Text of the marker, without its last newline; empty: neither place has it. */
  readonly marker: string;
  readonly maxDelete: number;
  /** Both places are one directory of a file system that both nodes mount: nothing is copied. */
  readonly oneDirectory: boolean;
  /** Both places are datasets between which `zfs send` carries the data; absent: the copy engine does. */
  readonly stream?: Stream;
  /** Why it is carried in this way. */
  readonly because: string;
}

/** A guest on its way. */
export interface Traveller {
  readonly config: GuestConfig;
  readonly facts: MaintainedGuest;
  /** It stays on the share's own node, stopped while the share is away. */
  readonly stays: boolean;
  /** Shares that it mounts. */
  readonly shares: readonly ShareConfig[];
  /** Absent: it does not run. */
  readonly workloads?: WorkloadContext;
}

/** File systems that several nodes mount at the same time, each seeing what the others write. */
const clusterFileSystems = new Set(['ceph', 'fuse.ceph', 'fuse.ceph-fuse', 'fuse.ceph-client']);

/** The shares of a journey, those that both nodes told of. */
export function passages(config: Config, facts: MaintenanceFacts, journey: Journey): Passage[] {
  return sharesOf(config, facts, journey).flatMap((share) => {
    const seen = facts.shares[share.name];
    if (seen?.own === undefined || seen.other === undefined) return [];
    const elsewhere = share.maintenance[journey.node];
    const path = elsewhere?.path ?? share.path;
    const oneDirectory = isOneDirectory(share.path, seen.own, path, seen.other);
    const own = placeOf(config, share.node, seen.own, {
      path: share.path,
      isMount: !oneDirectory,
      ...(oneDirectory ? {} : { dataset: share.dataset }),
    });
    const other = placeOf(config, journey.node, seen.other, {
      path,
      isMount: !oneDirectory && (elsewhere?.dataset !== undefined || elsewhere?.mounted === true),
      ...(elsewhere?.dataset === undefined ? {} : { dataset: elsewhere.dataset }),
    });
    const [from, to] = journey.direction === 'enter' ? [own, other] : [other, own];
    const { stream, because } = chooseStream(from, to);
    return [
      {
        journey,
        share,
        key: copyKey(share.name, to.node),
        phase: phaseOf(journey),
        from,
        to,
        marker: from.facts.marker ?? to.facts.marker ?? '',
        maxDelete: elsewhere?.maxDelete ?? 0,
        oneDirectory,
        because,
        ...(stream === undefined || oneDirectory ? {} : { stream }),
      },
    ];
  });
}

/** Shares that can be on that node: it is configured for them, or their mapping has the same path there. */
export function sharesOf(
  config: Config,
  facts: Pick<MaintenanceFacts, 'cluster'>,
  { node }: Journey,
): ShareConfig[] {
  return Object.values(config.shares).filter(
    (share) => share.maintenance[node] !== undefined || mappedAlike(config, facts, share, node),
  );
}

/** The mapping points both nodes at one path: the share may lie on a file system that every node mounts. */
function mappedAlike(
  config: Config,
  { cluster }: Pick<MaintenanceFacts, 'cluster'>,
  share: ShareConfig,
  node: string,
): boolean {
  if (share.node === node || config.nodes[node] === undefined) return false;
  const entries = cluster.mappings.find(({ id }) => id === share.mapping)?.entries ?? [];
  return [share.node, node].every((name) =>
    entries.some((entry) => entry.node === name && entry.path === share.path),
  );
}

/**
 * The same path of the same cluster file system on both nodes: type, source, and, where both see the marker, the same
 * inode of it. A local file system is never one directory, whatever its path.
 */
export function isOneDirectory(
  ownPath: string,
  own: Pick<PlaceFacts, 'fsType' | 'source' | 'fsid' | 'markerInode'>,
  otherPath: string,
  other: Pick<PlaceFacts, 'fsType' | 'source' | 'fsid' | 'markerInode'>,
): boolean {
  return (
    ownPath === otherPath &&
    clusterFileSystems.has(own.fsType) &&
    own.fsType === other.fsType &&
    own.source === other.source &&
    own.fsid === other.fsid &&
    own.markerInode === other.markerInode
  );
}

function placeOf(
  config: Config,
  node: string,
  facts: PlaceFacts,
  rest: Pick<Place, 'path' | 'isMount' | 'dataset'>,
): Place {
  return {
    node,
    clusterNode: facts.hostname,
    sshFromNode: config.nodes[node]?.sshFromNode ?? node,
    facts,
    ...rest,
  };
}

/** The guests of these shares: those with a device of one of them. */
export function travellers(
  config: Config,
  facts: MaintenanceFacts,
  journey: Journey,
  shares: readonly ShareConfig[],
): Traveller[] {
  return Object.values(facts.guests).map((guest) => {
    const mounts = shares.filter(({ mapping }) => guest.vm.virtiofs.some((each) => each.mapping === mapping));
    const own = config.guests[guest.name] as GuestConfig;
    const workloads = workloadsOn(config, journey, own, guest, mounts);
    return {
      config: own,
      facts: guest,
      stays: mounts.some(({ maintenance }) => maintenance[journey.node]?.without.includes(guest.name)),
      shares: mounts,
      ...(workloads === undefined ? {} : { workloads }),
    };
  });
}

/** Where a guest has data of these shares: at their mount, and at the old paths of the moves into them. */
export function pathsOn(config: Config, guest: string, shares: readonly ShareConfig[]): string[] {
  const moves = Object.values(config.moves).filter(
    ({ to }) => to.guest === guest && shares.some(({ name }) => name === to.share),
  );
  return [...new Set([...shares.map(({ mount }) => mount), ...moves.map(({ from }) => from.path)])];
}

function workloadsOn(
  config: Config,
  journey: Journey,
  guest: GuestConfig,
  facts: MaintainedGuest,
  shares: readonly ShareConfig[],
): WorkloadContext | undefined {
  const { system } = facts;
  if (system === undefined) return undefined;
  const paths = pathsOn(config, guest.name, shares);
  const uses = (used: readonly string[]) =>
    used.some((each) => paths.some((path) => isBelow(each, path) || isBelow(path, each)));
  const moves = Object.values(config.moves).filter(({ to }) => to.guest === guest.name);
  const also = new Set(moves.flatMap(({ alsoUnits }) => alsoUnits));
  const units = system.units.filter((unit: UnitFindings) => uses(unit.paths) || also.has(unit.name));
  const owned = new Set(system.units.map((unit: UnitFindings) => `${unit.user ?? ''}/${unit.name}`));
  const containers = system.containers.filter(
    (container: ContainerFindings) =>
      uses(container.bindSources) &&
      !(container.unit !== undefined && owned.has(`${container.user ?? ''}/${container.unit}`)),
  );
  const seen: Seen = { config: guest, findings: facts, system };
  return {
    move: {
      name: guest.name,
      phase: phaseOf(journey),
      from: { guest: guest.name, path: paths[0] as string },
      to: { guest: guest.name },
    },
    sourceGuest: seen,
    targetGuest: seen,
    containers,
    units,
  };
}

/** Text of the file that says that a place is not the current one, as the guests of `current` leave it. */
export function standbyText({ share, marker }: Passage, current: Place): string {
  const { uuid } = JSON.parse(marker === '' ? '{}' : marker) as { uuid?: string };
  return JSON.stringify({ share: share.name, uuid: uuid ?? '', current: current.node });
}

export const standbyFile = (place: Place): string => `${shareLayout(place.path).folder}/standby.json`;

/** The old place has given its marker away: from here on nothing of what came before the hand-over is done again. */
export const givenAway = (passage: Passage): Check[] => isStandby(passage, passage.from, passage.to);

function prints(place: Place, file: string, text: string, what: string): Check {
  return {
    kind: 'run',
    host: place.node,
    argv: ['cat', file],
    expect: { exitCode: 0, stdout: text },
    what,
  };
}

export function absent(place: Place, file: string, what: string): Check {
  return { kind: 'run', host: place.node, argv: ['test', '!', '-e', file], expect: { exitCode: 0 }, what };
}

/** Holds while the place is mounted, where it is a mount of its own. */
export function mounted(place: Place): Check[] {
  if (!place.isMount) return [];
  return [
    {
      kind: 'run',
      host: place.node,
      argv: ['mountpoint', '-q', place.path],
      expect: { exitCode: 0 },
      what: `${place.path} on ${place.node} is mounted`,
    },
  ];
}

/** Guests may start on this place: it carries the marker. */
export function isCurrent({ share, marker }: Passage, place: Place): Check {
  const what = `${place.node}:${place.path} has the current data of ${share.name}`;
  return prints(place, shareLayout(place.path).marker, marker, what);
}

/** Guests cannot start on this place: it carries no marker, and says which node has the current data. */
export function isStandby(passage: Passage, place: Place, current: Place): Check[] {
  return [
    ...mounted(place),
    prints(
      place,
      standbyFile(place),
      standbyText(passage, current),
      `${place.node}:${place.path} is the standby of ${passage.share.name}`,
    ),
    absent(
      place,
      shareLayout(place.path).marker,
      `${place.node}:${place.path} has no marker, so no workload starts on it`,
    ),
  ];
}
