import { setTimeout as wait } from 'node:timers/promises';
import { performBulk } from '../copy/bulk/bulk.ts';
import { performChangePass } from '../copy/change-list/change-pass.ts';
import { performPass } from '../copy/copy.ts';
import type { Plan } from '../plan/plan.ts';
import type { Hosts } from '../ssh/host.ts';
import { compareListed, openReaders } from '../verify/compare-listed.ts';
import { compareTrees } from '../verify/compare-trees.ts';
import { commonDigest, type DigestAlgorithm } from '../verify/digest.ts';
import type { MoveReport } from '../verify/report.ts';
import type { Sink } from './events.ts';
import type { RunFolder } from './run-folder.ts';
import { settleTrees } from './settle.ts';
import type { ClusterApi, World } from './world.ts';

/** The real world of a run. `compared` fills as comparisons end: the report is made from it. */
export function openWorld(parts: {
  readonly run: RunFolder;
  readonly plan: Pick<Plan, 'id' | 'estimates'>;
  readonly hosts: Hosts;
  readonly cluster: ClusterApi;
  readonly sink: Sink;
  readonly finish: AbortSignal;
  readonly stop: AbortSignal;
}): { readonly world: World; readonly compared: ReadonlyMap<string, MoveReport> } {
  const compared = new Map<string, MoveReport>();
  const world: World = {
    hosts: parts.hosts,
    cluster: parts.cluster,
    journal: parts.run.journal,
    marks: parts.run.marks,
    sink: parts.sink,
    runPath: parts.run.path,
    runName: parts.run.name,
    planId: parts.plan.id,
    finish: parts.finish,
    stop: parts.stop,
    copies: parts.run.copies,
    census: parts.plan.estimates,
    known: new Map(),
    finals: new Map(),
    prepared: new Map(),
    bulk: performBulk,
    pass: performPass,
    changes: performChangePass,
    settle: settleTrees,
    digest: rememberedDigest(),
    readers: openReaders,
    listed: compareListed,
    compare: compareTrees,
    compared(report) {
      const { move, scope, entries, differences } = report;
      parts.sink({ type: 'compared', move, scope, entries, differences });
      // A full proof says all that one of the changes says, and more.
      const before = compared.get(report.move);
      if (before?.scope !== 'full' || report.scope === 'full') compared.set(report.move, report);
    },
    now: () => Date.now(),
    sleep: (milliseconds, signal) => wait(milliseconds, undefined, { signal }).catch(() => {}),
  };
  return { world, compared };
}

/** The hosts are asked once in a run: in the downtime each question counts. */
function rememberedDigest(): World['digest'] {
  const known = new Map<string, DigestAlgorithm>();
  return async (hosts) => {
    const names = hosts.map(({ name }) => name).join(' ');
    const algorithm = known.get(names) ?? (await commonDigest(hosts));
    known.set(names, algorithm);
    return algorithm;
  };
}
