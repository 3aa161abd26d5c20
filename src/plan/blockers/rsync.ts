import type { Config, MoveConfig } from '../../config/config.ts';
import type { Findings, RsyncRefusal } from '../../inspect/findings.ts';
import { blocker } from '../errors.ts';
import type { Blocker } from '../plan.ts';
import { sshTo } from './ssh-to.ts';

interface Tried {
  readonly rsyncVersion?: string;
  readonly rsyncRefuses?: RsyncRefusal;
}

/** `rsync 3.2.7 on prom`. */
function rsyncOn(machine: string, { rsyncVersion }: Tried): string {
  return `rsync${rsyncVersion === undefined ? '' : ` ${rsyncVersion}`} on ${machine}`;
}

/** An rsync that cannot do what every pass asks of it: at the node, and at the guest that has the data. */
export function rsyncBlockers(config: Config, findings: Findings, move: MoveConfig): Blocker[] {
  const node = config.shares[move.to.share]?.node ?? '';
  const guest = move.from.guest;
  const places = [
    { name: node, tried: findings.nodes[node], ssh: config.nodes[node]?.ssh ?? node },
    { name: guest, tried: findings.guests[guest]?.system, ssh: config.guests[guest]?.ssh ?? guest },
  ];
  return places.flatMap(({ name, tried, ssh }) =>
    tried?.rsyncRefuses?.what !== 'pass'
      ? []
      : [
          blocker('plan/rsync-refuses', {
            move: move.name,
            seen: `${rsyncOn(name, tried)}: ${tried.rsyncRefuses.said}`,
            next: [`${sshTo(config, ssh)} rsync --version   # update it`, 'drayage plan'],
          }),
        ],
  );
}

/** Why no list can be given to the rsync of a machine that receives; undefined: it takes one. */
export function noListReason(machine: string, tried: Tried | undefined): string | undefined {
  if (tried?.rsyncRefuses?.what !== 'deletions') return undefined;
  return `${rsyncOn(machine, tried)} does not delete by a list (${tried.rsyncRefuses.said})`;
}
