import type { MoveConfig } from '../../config/config.ts';
import type { Findings } from '../../inspect/findings.ts';
import { blocker } from '../errors.ts';
import type { Blocker } from '../plan.ts';

/**
 * What could not be seen of the guests that were reached, and of the source: a workload that was not seen would go on
 * writing. A guest that was not reached at all has a blocker of its own.
 */
export function notSeenBlockers(findings: Findings, move: MoveConfig): Blocker[] {
  const reached = [move.from.guest, move.to.guest].filter(
    (name) => findings.guests[name]?.system !== undefined,
  );
  const subjects = [
    ...reached.map((name) => `guest ${name}`),
    ...(reached.includes(move.from.guest) ? [`source ${move.from.path} on ${move.from.guest}`] : []),
    `move ${move.name}`,
  ];
  return findings.notSeen
    .filter((entry) => subjects.includes(entry.subject))
    .map(({ subject, what, seen, meaning, next, more }) =>
      blocker('plan/not-seen', {
        move: move.name,
        seen: `${subject}, ${what}: ${seen}`,
        meaning,
        next: [next, ...(more ?? [])],
      }),
    );
}
