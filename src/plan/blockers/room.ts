import type { Config, MoveConfig, ShareConfig } from '../../config/config.ts';
import type { Findings, SourceDirectory } from '../../inspect/findings.ts';
import { descriptorAdvice, descriptorLimit, inodesHeldOpen, tooManyInodes } from '../descriptors.ts';
import { blocker } from '../errors.ts';
import type { Blocker } from '../plan.ts';
import { bytes, count } from '../render/words.ts';
import { sshTo } from './ssh-to.ts';

/** Part of what is allocated on the source that is asked for on top: other block sizes round differently. */
const margin = 0.05;

/** An inode on ZFS: a dnode of 512 bytes, kept twice (zfsprops(7), dnodesize and redundant_metadata). */
const bytesPerInode = 1024;

/** Does the data of a move fit, and can the dataset and the guest hold what it consists of? */
export function roomBlockers(config: Config, findings: Findings, move: MoveConfig): Blocker[] {
  const share = config.shares[move.to.share] as ShareConfig;
  const source = findings.moves[move.name]?.source;
  if (source?.state !== 'directory') return [];
  const found = spaceBlockers(config, findings, move, share);
  const at = { move: move.name };
  const ssh = sshTo(config, config.nodes[share.node]?.ssh ?? share.node);
  const dataset = findings.shares[share.name]?.dataset;
  const open = inodesHeldOpen(config, findings, move);
  if (open > tooManyInodes) {
    const guest = move.to.guest;
    found.push(
      blocker('plan/too-many-entries', {
        ...at,
        seen: `${count(open, 'inode')} will be in reach of ${guest} through ${share.name}; virtiofsd on ${share.node} holds at most ${descriptorLimit.toLocaleString('en-US')}`,
        next: [
          `on ${share.node}: ${descriptorAdvice}; then drayage plan`,
          `or leave something behind: moves.${move.name}.exclude`,
        ],
      }),
    );
  }
  if (source.acls > 0 && dataset !== undefined && /^(off|noacl)$/.test(dataset.acltype)) {
    found.push(
      blocker('plan/share-without-acls', {
        ...at,
        seen: `${source.acls} entries with ACLs; ${share.dataset} has acltype=${dataset.acltype}`,
        next: [`${ssh} zfs set acltype=posixacl xattr=sa ${share.dataset}`, 'drayage plan'],
      }),
    );
  }
  const target = findings.moves[move.name]?.target;
  if (target !== undefined && !target.empty && !target.claimed) {
    found.push(
      blocker('plan/place-occupied', {
        ...at,
        seen: `${move.to.path} on ${share.node} is not empty`,
        next: [`${ssh} ls -la ${move.to.path}`, `choose another place: moves.${move.name}.to.as`],
      }),
    );
  }
  return found;
}

/** Room for this move, together with all others that are still to be copied into the same pool. */
function spaceBlockers(config: Config, findings: Findings, move: MoveConfig, share: ShareConfig): Blocker[] {
  // Once claimed, part of the data is already there and counted as used.
  if (findings.moves[move.name]?.target?.claimed === true) return [];
  const pool = findings.nodes[share.node]?.pools.find((candidate) => candidate.name === share.pool);
  const room = findings.shares[share.name]?.room;
  const free = room?.bytes ?? pool?.freeBytes;
  const coming = Object.values(config.moves).flatMap((other) => {
    const into = config.shares[other.to.share];
    const found = findings.moves[other.name];
    return into?.node === share.node &&
      into.pool === share.pool &&
      found?.source.state === 'directory' &&
      found.target?.claimed !== true
      ? [{ move: other, source: found.source }]
      : [];
  });
  const sum = (of: (source: SourceDirectory) => number) =>
    coming.reduce((total, { source }) => total + of(source), 0);
  const found: Blocker[] = [];
  const together =
    coming.length === 1
      ? ''
      : ` (together with ${coming
          .filter(({ move: other }) => other.name !== move.name)
          .map(({ move: other }) => other.name)
          .join(', ')})`;
  const subject = `${move.from.guest}:${move.from.path}${together}`;
  const place = room?.dataset ?? share.pool;
  const ssh = sshTo(config, config.nodes[share.node]?.ssh ?? share.node);
  const next = [
    `${ssh} zfs list -o space ${share.pool}`,
    `leave something behind: moves.${move.name}.exclude`,
  ];
  const needed = sum((source) => source.allocatedBytes * (1 + margin) + source.inodes * bytesPerInode);
  if (free !== undefined && needed > free) {
    found.push(
      blocker('plan/no-room', {
        move: move.name,
        seen: `${subject} needs ${bytes(needed)}, 5 % and 1 KiB for each inode included; ${place} has ${bytes(free)} left`,
        next,
      }),
    );
  }
  const inodes = sum((source) => source.inodes) * (1 + margin);
  if (room?.inodes !== undefined && inodes > room.inodes) {
    found.push(
      blocker('plan/no-room', {
        move: move.name,
        seen: `${subject} needs ${count(Math.ceil(inodes), 'inode')}, 5 % included; ${share.path} has ${count(room.inodes, 'free inode')} left`,
        next: [`${ssh} df -i ${share.path}`, `leave something behind: moves.${move.name}.exclude`],
      }),
    );
  }
  return found;
}
