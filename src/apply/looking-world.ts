import { setTimeout as wait } from 'node:timers/promises';
import type { Hosts } from '../ssh/host.ts';
import { compareListed, openReaders } from '../verify/compare-listed.ts';
import { compareTrees } from '../verify/compare-trees.ts';
import { commonDigest } from '../verify/digest.ts';
import type { MarksStore } from './marks.ts';
import type { ClusterApi, World } from './world.ts';

/** The world for those who only look (`plan`, `status`): nothing can be performed in it, and nothing is written. */
export function lookingWorld(parts: {
  readonly hosts: Hosts;
  readonly cluster: ClusterApi;
  readonly planId: string;
  readonly marks: MarksStore;
  readonly finish: AbortSignal;
  readonly stop: AbortSignal;
}): World {
  const refuse = () => Promise.reject(new Error('an operation was tried in a world that is only looked at'));
  return {
    hosts: parts.hosts,
    cluster: { get: parts.cluster.get, call: refuse, waitForTask: refuse },
    journal: { intent: refuse, outcome: refuse },
    marks: { get: parts.marks.get, set: refuse },
    sink: () => undefined,
    runPath: '',
    runName: '',
    planId: parts.planId,
    finish: parts.finish,
    stop: parts.stop,
    copies: '',
    census: {},
    finals: new Map(),
    prepared: new Map(),
    bulk: refuse,
    pass: refuse,
    changes: refuse,
    settle: refuse,
    digest: commonDigest,
    readers: openReaders,
    listed: compareListed,
    compare: compareTrees,
    compared: () => undefined,
    now: () => Date.now(),
    sleep: (milliseconds, signal) => wait(milliseconds, undefined, { signal }).catch(() => {}),
  };
}
