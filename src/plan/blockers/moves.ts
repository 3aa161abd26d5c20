import type { Config, MoveConfig, ShareConfig } from '../../config/config.ts';
import type { Findings } from '../../inspect/findings.ts';
import { workloadsOf } from '../context.ts';
import { blocker } from '../errors.ts';
import type { Blocker } from '../plan.ts';
import { moveLayout } from '../share-layout.ts';

/** A move whose release was taken away by hand: only the operator knows which side holds the data that is wanted. */
export function handedOverBlockers(config: Config, findings: Findings, move: MoveConfig): Blocker[] {
  const target = findings.moves[move.name]?.target;
  if (target?.handedOver !== true || target.released) return [];
  const share = config.shares[move.to.share] as ShareConfig;
  const layout = moveLayout(share.path, move.name);
  const ssh = `ssh ${config.nodes[share.node]?.ssh ?? share.node}`;
  return [
    blocker('plan/handed-over', {
      move: move.name,
      seen: `${layout.handedOver} is there and ${layout.released} is not`,
      next: [
        `drayage rollback --move ${move.name}   # shows what ${move.to.guest} wrote, and gives ${move.from.guest} its work back`,
        `to discard what ${move.to.guest} wrote, and copy from ${move.from.guest} again: ${ssh} rm ${layout.handedOver}`,
        `to go on with what ${move.to.guest} wrote: ${ssh} cp ${layout.handedOver} ${layout.released}`,
        'docs/recovery.md, "After the release"',
      ],
    }),
  ];
}

/** Workloads of one guest that belong to more than one move. */
export function sharedWorkloadBlockers(config: Config, findings: Findings): Blocker[] {
  const owners = new Map<string, string[]>();
  for (const move of Object.values(config.moves)) {
    const system = findings.guests[move.from.guest]?.system;
    if (system === undefined) continue;
    const { containers, units } = workloadsOf(move, system);
    for (const workload of [...containers, ...units]) {
      const key = `${workload.name}${workload.user === undefined ? '' : ` of ${workload.user}`} on ${move.from.guest}`;
      owners.set(key, [...(owners.get(key) ?? []), move.name]);
    }
  }
  return [...owners].flatMap(([workload, moves]) =>
    moves.length < 2
      ? []
      : [
          blocker('plan/workload-in-two-moves', {
            seen: `${workload} uses the paths of ${moves.join(' and ')}`,
            next: [
              'make one move of a common parent path, and name what stays in its `exclude`',
              `leave it out of all but one: moves.${moves[1]}.workloads.ignore in ${config.file}`,
            ],
          }),
        ],
  );
}
