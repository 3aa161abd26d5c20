import type { MoveConfig, ShareConfig } from '../config/config.ts';

/**
 * Where drayage keeps its own files inside a share. All of it is below `.drayage/` at the top: nothing is ever
 * written beside the data.
 */
export interface ShareLayout {
  /** Folder of drayage at the top of the share. */
  readonly folder: string;
  /** The marker: proof that this is the share, and that it is mounted. */
  readonly marker: string;
  /** Images on their way from the source guest to the target guest. */
  readonly images: string;
}

/** Where one move keeps its own files inside a share. */
export interface MoveLayout {
  readonly folder: string;
  /** Says that the move's place in the share was made by drayage for this move. */
  readonly claim: string;
  /** Exists only while the target guest may run the workloads: its units assert it. */
  readonly released: string;
  /**
   * Written before the first release and never removed by drayage: the target may have written here, so nothing is
   * copied over it any more, even when the release was taken away by hand.
   */
  readonly handedOver: string;
  /** How the workloads ran before the window: what another controller needs to go on, or back. */
  readonly rescue: string;
}

/** @param top the share's top as the reader sees it: its path on the node, or its mount path in a guest. */
export function shareLayout(top: string): ShareLayout {
  const folder = `${top}/.drayage`;
  return { folder, marker: `${folder}/share.json`, images: `${folder}/images` };
}

/** @param top the share's top as the reader sees it: its path on the node, or its mount path in a guest. */
export function moveLayout(top: string, move: string): MoveLayout {
  const folder = `${top}/.drayage/moves/${move}`;
  return {
    folder,
    claim: `${folder}/claim.json`,
    released: `${folder}/released`,
    handedOver: `${folder}/handed-over`,
    rescue: `${folder}/rescue.json`,
  };
}

/** The ZFS snapshot that keeps the share as it was when the window's data was proven. */
export function cutoverSnapshot(move: MoveConfig): string {
  return `drayage-${move.name}-cutover`;
}

/** The move's place as the snapshot has it (OpenZFS: `<mountpoint>/.zfs/snapshot/<name>`, zfsconcepts(7)). */
export function snapshotPath(share: ShareConfig, move: MoveConfig): string {
  const top = `${share.path}/.zfs/snapshot/${cutoverSnapshot(move)}`;
  return move.to.as === '.' ? top : `${top}/${move.to.as}`;
}
