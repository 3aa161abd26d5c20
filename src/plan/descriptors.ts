import type { Config, MoveConfig } from '../config/config.ts';
import type { Findings } from '../inspect/findings.ts';

/** virtiofsd's own limit of open files (`--rlimit-nofile`), and so of inodes that a guest may know at once. */
export const descriptorLimit = 1_000_000;

/** From here on the limit is worth a word: data grows. */
export const manyInodes = 500_000;

/** From here on a guest that walks over its data once meets the limit. */
export const tooManyInodes = 900_000;

/** Where it is told how to give virtiofsd file handles in place of open files. */
export const descriptorAdvice =
  'docs/recovery.md, "Too many open files in system": a wrapper adds --inode-file-handles=prefer';

/**
 * What the virtiofsd of a move's target guest will have to know: the inodes of every move that brings data to the same
 * guest over the same share. 0 where its node gives virtiofsd file handles: then nothing is held open.
 */
export function inodesHeldOpen(config: Config, findings: Findings, move: MoveConfig): number {
  const node = config.shares[move.to.share]?.node ?? '';
  if (findings.nodes[node]?.virtiofsdFileHandles === true) return 0;
  return Object.values(config.moves)
    .filter((other) => other.to.share === move.to.share && other.to.guest === move.to.guest)
    .reduce((sum, other) => {
      const source = findings.moves[other.name]?.source;
      return sum + (source?.state === 'directory' ? source.inodes : 0);
    }, 0);
}
