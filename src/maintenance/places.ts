import type { Config, ShareConfig } from '../config/config.ts';
import { DrayageError } from '../errors/error.ts';
import type { NotSeen } from '../inspect/findings.ts';
import type { Journey, MaintenanceFacts } from '../plan/golden-path/facts.ts';
import type { Hosts } from '../ssh/host.ts';
import { readPlace } from './place.ts';
import { withStreams } from './streams.ts';

/**
 * Looks at both places of a share, and, where both are datasets, at what `zfs send` between them could begin with.
 * @param notSeen takes what could not be looked at, and why
 */
export async function readPlaces(
  { config, hosts, journey }: { readonly config: Config; readonly hosts: Hosts; readonly journey: Journey },
  share: ShareConfig,
  notSeen: NotSeen[],
): Promise<MaintenanceFacts['shares'][string]> {
  const elsewhere = share.maintenance[journey.node];
  const dataset = elsewhere?.dataset;
  const path = elsewhere?.path ?? share.path;
  const asSeenFrom = (name: string) => config.nodes[name]?.sshFromNode ?? name;
  const [own, other] = await Promise.all([
    seenOrNoted(notSeen, `node ${share.node}`, share.path, () =>
      readPlace(hosts(share.node), {
        path: share.path,
        dataset: share.dataset,
        otherNode: asSeenFrom(journey.node),
      }),
    ),
    seenOrNoted(notSeen, `node ${journey.node}`, path, () =>
      readPlace(hosts(journey.node), {
        path,
        ...(dataset === undefined ? {} : { dataset }),
        otherNode: asSeenFrom(share.node),
      }),
    ),
  ]);
  if (own === undefined || other === undefined || dataset === undefined)
    return { ...(own === undefined ? {} : { own }), ...(other === undefined ? {} : { other }) };
  // Without their snapshots the copy engine carries the share, and the plan says why.
  const streams = await seenOrNoted(notSeen, `node ${journey.node}`, 'its snapshots', () =>
    withStreams(
      { host: hosts(share.node), dataset: share.dataset, facts: own },
      { host: hosts(journey.node), dataset, facts: other },
    ),
  );
  return streams === undefined ? { own, other } : { own: streams[0], other: streams[1] };
}

/** What a look found; where it could not be made, that is noted, and why. */
export async function seenOrNoted<T>(
  notSeen: NotSeen[],
  subject: string,
  what: string,
  look: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof DrayageError) || error.code === 'ssh/aborted') throw error;
    const [next = error.meaning, ...more] = error.next;
    notSeen.push({
      subject,
      what,
      seen: error.seen,
      next,
      ...(more.length === 0 ? {} : { more }),
      meaning: error.meaning,
    });
    return undefined;
  }
}
