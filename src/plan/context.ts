import type { Config, GuestConfig, MoveConfig, NodeConfig, ShareConfig } from '../config/config.ts';
import type {
  ContainerFindings,
  Findings,
  GuestFindings,
  GuestSystem,
  Noted,
  ShareMarker,
  SourceDirectory,
  UnitFindings,
} from '../inspect/findings.ts';
import type { Check } from './operation.ts';
import { stableUuid } from './plan-id.ts';
import { moveLayout, shareLayout } from './share-layout.ts';

/** A share with everything that its steps need to know. */
export interface ShareContext {
  readonly config: Config;
  readonly findings: Findings;
  readonly share: ShareConfig;
  readonly node: NodeConfig;
  /** The node's name in the cluster: what Proxmox paths and mapping entries say. */
  readonly clusterNode: string;
  readonly marker: ShareMarker;
  /** Text of the marker file. */
  readonly markerText: string;
  /** Holds while the dataset is mounted and carries the marker: guards every write below it. */
  readonly guards: readonly Check[];
}

/** Workloads, and the guests that have them: enough to stop and to start them. */
export interface WorkloadContext {
  readonly move: Pick<MoveConfig, 'name' | 'phase'> & {
    readonly from: Pick<MoveConfig['from'], 'guest' | 'path'>;
    readonly to: Pick<MoveConfig['to'], 'guest'>;
  };
  readonly sourceGuest: Seen;
  readonly targetGuest: Seen;
  /** Containers of the move that no unit owns. */
  readonly containers: readonly ContainerFindings[];
  /** Units of the move: quadlets and services. */
  readonly units: readonly UnitFindings[];
}

/** A move whose source, guests and share were all seen. */
export interface MoveContext extends ShareContext, WorkloadContext {
  readonly move: MoveConfig;
  readonly source: SourceDirectory;
  /** Units of the move that the target guest had before drayage laid its own there. */
  readonly had: readonly UnitFindings[];
}

export interface Seen {
  readonly config: GuestConfig;
  readonly findings: GuestFindings;
  readonly system: GuestSystem;
}

/** Is `path` the folder itself or below it? Both absolute, without a slash at the end. */
export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

export function shareContext(config: Config, findings: Findings, share: ShareConfig): ShareContext {
  const node = config.nodes[share.node] as NodeConfig;
  const nodeFindings = findings.nodes[share.node];
  const pool = nodeFindings?.pools.find((found) => found.name === share.pool);
  const marker = findings.shares[share.name]?.marker ?? {
    uuid: stableUuid(`${pool?.guid ?? ''} ${share.dataset} ${share.mapping}`),
    share: share.name,
  };
  const markerText = `${JSON.stringify({ share: marker.share, uuid: marker.uuid, dataset: share.dataset })}\n`;
  const layout = shareLayout(share.path);
  return {
    config,
    findings,
    share,
    node,
    clusterNode: nodeFindings?.hostname ?? share.node,
    marker,
    markerText,
    guards: [
      {
        kind: 'run',
        host: share.node,
        argv: ['mountpoint', '-q', share.path],
        expect: { exitCode: 0 },
        what: `${share.path} is mounted`,
      },
      {
        kind: 'run',
        host: share.node,
        argv: ['cat', layout.marker],
        expect: { exitCode: 0, stdout: markerText.trimEnd() },
        what: `${share.path} carries the marker of share ${share.name}`,
      },
    ],
  };
}

/** The workloads of a move: everything on the source guest that uses a path at or below the source path. */
export function workloadsOf(
  move: MoveConfig,
  system: GuestSystem,
): { containers: ContainerFindings[]; units: UnitFindings[] } {
  const uses = (paths: readonly string[]) =>
    paths.some((path) => isBelow(path, move.from.path) || isBelow(move.from.path, path));
  const units = system.units.filter(
    (unit) => (uses(unit.paths) || move.alsoUnits.includes(unit.name)) && !move.ignore.includes(unit.name),
  );
  const owned = new Set(system.units.map((unit) => `${unit.user ?? ''}/${unit.name}`));
  const projects = new Set(
    system.containers.filter((container) => uses(container.bindSources)).flatMap(projectOf),
  );
  const containers = system.containers.filter(
    (container) =>
      (uses(container.bindSources) || projectOf(container).some((project) => projects.has(project))) &&
      !move.ignore.includes(container.name) &&
      !(container.unit !== undefined && owned.has(`${container.user ?? ''}/${container.unit}`)),
  );
  return { containers, units };
}

/** A compose project moves as a whole: what has no data in it belongs to what has. */
function projectOf({ engine, user, compose }: ContainerFindings): string[] {
  return compose === undefined ? [] : [`${engine} ${user ?? ''} ${compose.project}`];
}

/** undefined when something that the steps need was not seen; the blockers then say what. */
export function moveContext(config: Config, findings: Findings, move: MoveConfig): MoveContext | undefined {
  const share = config.shares[move.to.share] as ShareConfig;
  const source = findings.moves[move.name]?.source;
  const sourceGuest = seen(config, findings, move.from.guest);
  const targetGuest = seen(config, findings, move.to.guest);
  if (source?.state !== 'directory' || sourceGuest === undefined || targetGuest === undefined)
    return undefined;
  const workloads = workloadsOf(move, sourceGuest.system);
  return {
    ...shareContext(config, findings, share),
    move,
    source,
    sourceGuest,
    targetGuest,
    ...workloads,
    had: hadBefore(workloads.units, targetGuest.system, findings.moves[move.name]?.noted),
  };
}

/** What the note knows, it knows from before; of a unit that joined the move since, nothing was laid yet. */
function hadBefore(units: readonly UnitFindings[], target: GuestSystem, noted?: Noted): UnitFindings[] {
  const paths = new Set(units.map(({ sourcePath }) => sourcePath));
  const known = new Set(noted?.known);
  return [...(noted?.had ?? []), ...target.units.filter(({ sourcePath }) => !known.has(sourcePath))].filter(
    ({ sourcePath }) => paths.has(sourcePath),
  );
}

function seen(config: Config, findings: Findings, guest: string): Seen | undefined {
  const found = findings.guests[guest];
  return found?.system === undefined
    ? undefined
    : { config: config.guests[guest] as GuestConfig, findings: found, system: found.system };
}

/** Holds until the target guest was first allowed to write: after that, nothing is copied over its data. */
export function notHandedOver(context: MoveContext): Check {
  return {
    kind: 'run',
    host: context.share.node,
    argv: ['test', '!', '-e', moveLayout(context.share.path, context.move.name).handedOver],
    expect: { exitCode: 0 },
    what: `${context.move.name} was not handed over to ${context.move.to.guest} yet`,
  };
}

/** The contrary: everything up to the release of the move is behind us. */
export function handedOver(context: MoveContext): Check {
  return {
    kind: 'run',
    host: context.share.node,
    argv: ['test', '-e', moveLayout(context.share.path, context.move.name).handedOver],
    expect: { exitCode: 0 },
    what: `${context.move.name} was handed over to ${context.move.to.guest}`,
  };
}

/** Holds while the source path is the directory that was inspected: a lost mount or an emptied source stops a pass. */
export function sourceGuard(context: MoveContext): Check {
  return {
    kind: 'source',
    host: context.move.from.guest,
    path: context.move.from.path,
    device: context.source.device,
    inode: context.source.inode,
    what: `${context.move.from.path} on ${context.move.from.guest} is the directory that was inspected, and is not empty`,
  };
}
