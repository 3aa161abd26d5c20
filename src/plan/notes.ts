import type { Config, MoveConfig, ShareConfig } from '../config/config.ts';
import type { Findings, SourceDirectory, UnknownOwner } from '../inspect/findings.ts';
import { noListReason } from './blockers/rsync.ts';
import { workloadsOf } from './context.ts';
import {
  descriptorAdvice,
  descriptorLimit,
  inodesHeldOpen,
  manyInodes,
  tooManyInodes,
} from './descriptors.ts';

/** What the operator should know and need not act on, in the order of the moves. Depends on nothing that moves by itself. */
export function planNotes(config: Config, findings: Findings): string[] {
  const notes: string[] = [];
  for (const move of Object.values(config.moves)) {
    const share = config.shares[move.to.share] as ShareConfig;
    notes.push(...othersWithTheShare(config, findings, move, share));
    const source = findings.moves[move.name]?.source;
    const guest = findings.guests[move.from.guest]?.system;
    if (source?.state !== 'directory' || guest === undefined) continue;
    for (const store of source.imageStores) {
      notes.push(
        `${move.from.guest}:${move.from.path}/${store} is an image store: left behind. ${move.to.guest} keeps its own store on its own disk.`,
      );
    }
    if (source.uid !== share.owner.uid || source.gid !== share.owner.gid) {
      notes.push(
        `${move.from.path} belongs to ${source.uid}:${source.gid}; the top of the share will belong to ${share.owner.uid}:${share.owner.gid}. Nothing below it changes its owner.`,
      );
    }
    const open = inodesHeldOpen(config, findings, move);
    if (open > manyInodes && open <= tooManyInodes) {
      notes.push(
        `${move.to.guest} will reach more than ${manyInodes.toLocaleString('en-US')} inodes through ${share.name}: virtiofsd holds one open file for each that the guest has looked up, at most ${descriptorLimit.toLocaleString('en-US')}; then whatever it has not looked up before fails. The cure, on ${share.node}: ${descriptorAdvice}.`,
      );
    }
    const noList = noListReason(share.node, findings.nodes[share.node]);
    if (noList !== undefined) {
      notes.push(
        `${noList}: the downtime of ${move.name} grows with the whole tree. An update of rsync on ${share.node}, and then drayage plan, makes it short.`,
      );
    }
    notes.push(...aboutEntries(move, source, findings.moves[move.name]?.unknownOwners ?? []));
    for (const child of findings.shares[share.name]?.dataset?.children ?? []) {
      notes.push(
        `${child} is a dataset below ${share.dataset}: guests may not see it through the share, and renames across it fail.`,
      );
    }
    const { containers, units } = workloadsOf(move, guest);
    if (containers.length + units.length === 0) {
      notes.push(
        `Nothing on ${move.from.guest} was found that uses ${move.from.path}: no workload will be stopped or started.`,
      );
    }
    for (const timer of guest.timers.filter((candidate) => candidate.enabled)) {
      notes.push(
        `${timer.unit}${timer.user === undefined ? '' : ` of ${timer.user}`} is enabled on ${move.from.guest}: it cannot start what is fenced.`,
      );
    }
    const passthrough = findings.guests[move.to.guest]?.vm.pciPassthrough ?? [];
    if (passthrough.length > 0) {
      notes.push(
        `${move.to.guest} has PCI passthrough (${passthrough.join(', ')}): it is bound to its node, and a hard stop can wedge the device.`,
      );
    }
  }
  return [...new Set(notes)];
}

/** What is odd among the entries, and comes along or stays behind. */
function aboutEntries(
  move: MoveConfig,
  source: SourceDirectory,
  unknownOwners: readonly UnknownOwner[],
): string[] {
  const { guest, path } = move.from;
  const notes: string[] = [];
  const strangers = unknownOwners.filter((owner) => owner.knownOnSource);
  if (strangers.length > 0) {
    // By number: how often each occurs moves by itself.
    const some = strangers
      .toSorted((a, b) => b.kind.localeCompare(a.kind) || a.id - b.id)
      .slice(0, 5)
      .map(({ kind, id }) => `${kind} ${id}`);
    notes.push(
      `Owners in ${path} that ${guest} knows and ${move.to.guest} does not: ${some.join(', ')}${strangers.length > some.length ? ' and more' : ''}. The numbers are kept; who may read them there is for ${move.to.guest} to say.`,
    );
  }
  if (source.special.sockets > 0) {
    notes.push(
      `There are sockets in ${path}: they are not copied, their programs make them anew when they start.`,
    );
  }
  if (source.special.devices > 0) {
    notes.push(
      `There are device nodes in ${path}: they are copied, and open the devices of ${move.to.guest}.`,
    );
  }
  return notes;
}

/** Who else has the share: the devices of a mapping see all of it, and locks hold within one guest only. */
function othersWithTheShare(
  config: Config,
  findings: Findings,
  move: MoveConfig,
  share: ShareConfig,
): string[] {
  const targets = Object.values(config.moves)
    .filter(({ to }) => to.share === share.name)
    .map(({ to }) => config.guests[to.guest]?.vmid);
  return findings.cluster.vms
    .filter(
      ({ vmid, virtiofs }) =>
        !targets.includes(vmid) && virtiofs?.some(({ mapping }) => mapping === share.mapping),
    )
    .map(({ vmid, name }) =>
      vmid === config.guests[move.from.guest]?.vmid
        ? `${move.from.guest} (VM ${vmid}) has mapping ${share.mapping} itself: what runs there sees, and can write, the copy as well as the original.`
        : `VM ${vmid} (${name}) has mapping ${share.mapping} too: it sees everything in the share.`,
    );
}
