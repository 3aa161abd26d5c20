import { estimate } from '../estimate.ts';
import type { Plan } from '../plan.ts';
import { fullPass } from './carry.ts';
import type { Passage, Traveller } from './context.ts';

/** Seconds that a guest takes to shut down when its workloads are stopped, and to boot where no boot was measured. */
const secondsPerShutdown = 10;
const secondsPerBoot = 30;
/** Looks, a snapshot and a small increment. Two of them in the window: 5 s each between two pools of one emulated guest. */
const secondsPerIncrement = 5;
/** The call, its task, and what Proxmox VE logs in between. */
const secondsPerMigration = 3;

/** Sizes by copy; what the guests take in the window counts with the first one. */
export function sizesOf(passages: readonly Passage[], travellers: readonly Traveller[]): Plan['estimates'] {
  const up = travellers.filter(({ facts }) => facts.running);
  const workloads = up.reduce(
    (sum, { workloads: of }) => sum + (of?.units.length ?? 0) + (of?.containers.length ?? 0),
    0,
  );
  const boots = up
    .filter(({ stays }) => !stays)
    .reduce((sum, { facts }) => sum + Math.ceil(facts.bootSeconds ?? secondsPerBoot), 0);
  return Object.fromEntries(
    passages.map((passage, index) => {
      const amount = passage.from.facts.amount ?? { entries: 0, bytes: 0, allocatedBytes: 0 };
      const size = estimate(amount, index === 0 ? workloads : 0, fullPass(passage) !== undefined);
      const first = index === 0 ? 1 : 0;
      const copies = passage.oneDirectory ? 0 : 1;
      const window = {
        stop: size.window.stop + first * up.length * secondsPerShutdown,
        copy: (passage.stream === undefined ? size.window.copy : secondsPerIncrement) * copies,
        release:
          (size.window.release + (passage.stream === undefined ? 0 : secondsPerIncrement)) * copies +
          first * up.length * secondsPerMigration,
        start: size.window.start + first * boots,
      };
      const windowSeconds = window.stop + window.copy + window.release + window.start;
      const seedSeconds =
        passage.stream?.base === undefined ? size.seedSeconds * copies : 3 * secondsPerIncrement;
      return [passage.key, { ...size, seedSeconds, windowSeconds, window, guests: first * up.length }];
    }),
  );
}
