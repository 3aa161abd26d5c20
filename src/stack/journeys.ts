import { join } from 'node:path';
import { openMarks } from '../apply/marks.ts';
import { stateFolder } from '../apply/run-folder.ts';
import type { Config } from '../config/config.ts';
import type { ClusterFindings } from '../inspect/findings.ts';
import { inTheWay, openJourneys } from '../plan/tofu/journeys.ts';
import type { Judgement } from '../plan/tofu/judge.ts';
import { tofuError } from '../tofu/errors.ts';

/**
 * Why the plan must not be applied now: drayage itself has something under way with what it changes.
 * @returns undefined: nothing is open, or nothing of it is in the plan
 * @throws apply/state-unreadable
 */
export async function journeyInTheWay(config: Config, cluster: ClusterFindings, judgement: Judgement) {
  const marks = await openMarks(join(stateFolder(config.file), 'marks.json'));
  const found = inTheWay(judgement, openJourneys(config, cluster, marks.get().window));
  const [first] = found;
  if (first === undefined) return undefined;
  const { what, next } = first.journey;
  return tofuError('tofu/journey-open', {
    seen: `${what}\nthe plan changes ${[...new Set(found.map(({ address }) => address))].join(', ')}`,
    next: [...next, 'drayage tofu plan   # then'],
  });
}
