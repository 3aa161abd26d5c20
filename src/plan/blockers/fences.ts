import type { Config, MoveConfig } from '../../config/config.ts';
import { dropInFolder } from '../../guest/drop-in.ts';
import type { GuestSystem } from '../../inspect/findings.ts';
import { workloadsOf } from '../context.ts';
import { blocker } from '../errors.ts';
import type { Blocker } from '../plan.ts';
import { sshTo } from './ssh-to.ts';

/** Units of the move that are fenced already. Whoever knows the window of the move takes this blocker away again. */
export function fenceBlockers(config: Config, move: MoveConfig, source: GuestSystem): Blocker[] {
  const { guest } = move.from;
  const own = workloadsOf(move, source).units.map((unit) => {
    const home = source.users.find((user) => user.name === unit.user)?.home;
    return `${dropInFolder({ ...unit, ...(home === undefined ? {} : { home }) }, source.os)}/50-drayage-fence.conf`;
  });
  const fences = (source.fences ?? []).filter((path) => own.includes(path));
  if (fences.length === 0) return [];
  return [
    blocker('plan/fence-without-record', {
      move: move.name,
      seen: `move ${move.name}: ${fences.join(', ')} on ${guest}`,
      next: [
        'run drayage in the folder whose .drayage/marks.json has that window',
        'drayage take-over   # if that folder is lost: goes on from the note in the share',
        `or take the window back by hand: docs/recovery.md, "Before the release"`,
        `${sshTo(config, config.guests[guest]?.ssh ?? guest)} cat ${fences[0]}`,
      ],
    }),
  ];
}
