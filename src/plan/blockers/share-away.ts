import type { Config, MoveConfig } from '../../config/config.ts';
import type { Findings } from '../../inspect/findings.ts';
import { blocker } from '../errors.ts';
import type { Blocker } from '../plan.ts';

/** The share of the move is on another node for maintenance: what its own node shows is of an earlier time. */
export function shareAway(config: Config, findings: Findings, move: MoveConfig): Blocker[] {
  const share = config.shares[move.to.share];
  const away = share === undefined ? undefined : findings.shares[share.name]?.elsewhere;
  if (share === undefined || away === undefined) return [];
  return [
    blocker('plan/share-elsewhere', {
      move: move.name,
      seen: `${share.path} on ${share.node} has no marker: ${away}`,
      next: ['drayage maintenance leave'],
    }),
  ];
}
