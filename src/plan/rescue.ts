import type { Config, MoveConfig } from '../config/config.ts';
import type { Findings, GuestSystem, Noted, SourceDirectory } from '../inspect/findings.ts';
import { type MoveContext, moveContext, workloadsOf } from './context.ts';

/**
 * What another controller must know to go on with a move, or back, and cannot see any more once its workloads are stopped:
 * how they ran on the source, and which of their units the target had before any were laid there. The plan of the cutover is made from it again. Nothing in it is secret, and nothing that
 * moves by itself.
 */
export interface Rescue {
  readonly format: 1;
  readonly move: string;
  readonly source: SourceDirectory;
  readonly guests: Readonly<Record<'source' | 'target', GuestSystem>>;
}

/** The text that lies in the share, in the move's own folder. */
export function rescueText(context: MoveContext): string {
  const { move, sourceGuest, targetGuest, had } = context;
  const rescue: Rescue = {
    format: 1,
    move: move.name,
    source: withoutSizes(context.source),
    guests: {
      source: {
        ...plain(sourceGuest.system),
        ...workloadsOf(move, sourceGuest.system),
        podmanRestart: sourceGuest.system.podmanRestart,
      },
      target: { ...plain(targetGuest.system), units: had },
    },
  };
  return `${JSON.stringify(rescue)}\n`;
}

/** Sizes and counts are not needed, and move while the source is in use. */
function withoutSizes(source: SourceDirectory): SourceDirectory {
  const some = (count: number) => Math.min(count, 1);
  return {
    ...source,
    entries: 0,
    inodes: 0,
    bytes: 0,
    allocatedBytes: 0,
    hardLinkGroups: 0,
    sparseFiles: 0,
    acls: some(source.acls),
    xattrs: some(source.xattrs),
    capabilities: some(source.capabilities),
    special: { fifos: 0, sockets: 0, devices: 0, first: [] },
    notUtf8: { count: 0, first: [] },
    owners: [],
  };
}

function plain(system: GuestSystem): GuestSystem {
  const { hostname, os, osName, users, podmanVersion, dockerVersion, composeVersion } = system;
  return {
    hostname,
    os,
    osName,
    users,
    kernel: '',
    bootId: '',
    ...(podmanVersion === undefined ? {} : { podmanVersion }),
    ...(dockerVersion === undefined ? {} : { dockerVersion }),
    ...(composeVersion === undefined ? {} : { composeVersion }),
    stores: [],
    containers: [],
    units: [],
    mounts: [],
    timers: [],
    podmanRestart: false,
    images: [],
    missingTools: [],
  };
}

/** Reads the text again; undefined: it is not one that this version understands, or of another move. */
export function parseRescue(text: string, move: string): Rescue | undefined {
  try {
    const rescue = JSON.parse(text) as Rescue;
    const { source, target } = rescue.guests;
    const lists = [source.containers, source.units, target.units];
    return rescue.format === 1 && rescue.move === move && lists.every(Array.isArray) ? rescue : undefined;
  } catch {
    return undefined;
  }
}

/** What it says of the target guest before the move: a look that is taken later cannot tell any more. */
export function notedIn({ guests: { source, target } }: Rescue): Noted {
  return { known: source.units.map(({ sourcePath }) => sourcePath), had: target.units };
}

/** The findings as they are now, with the move's workloads as they ran before the window; undefined: a guest was not seen. */
export function findingsThen(
  config: Config,
  now: Findings,
  move: MoveConfig,
  rescue: Rescue,
): Findings | undefined {
  const from = now.guests[move.from.guest];
  const to = now.guests[move.to.guest];
  if (from === undefined || to === undefined) return undefined;
  // The fences are those of the window that is taken over.
  const {
    fences: _fences,
    startsContainers: _starts,
    ...source
  } = { ...from.system, ...rescue.guests.source };
  const { target: _standing, ...known } = now.moves[move.name] ?? { name: move.name };
  const findings: Findings = {
    ...now,
    guests: {
      ...now.guests,
      [move.from.guest]: { ...from, system: source },
      [move.to.guest]: { ...to, system: { ...to.system, ...rescue.guests.target } },
    },
    moves: { ...now.moves, [move.name]: { ...known, source: { state: 'directory', ...rescue.source } } },
  };
  return moveContext(config, findings, move) === undefined ? undefined : findings;
}
