import type { Config, ShareConfig } from '../config/config.ts';
import type { NotSeen } from '../inspect/findings.ts';
import { seen } from '../inspect/not-seen.ts';
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
    seen(notSeen, `node ${share.node}`, share.path, () =>
      readPlace(hosts(share.node), {
        path: share.path,
        dataset: share.dataset,
        otherNode: asSeenFrom(journey.node),
      }),
    ),
    seen(notSeen, `node ${journey.node}`, path, () =>
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
  const streams = await seen(notSeen, `node ${journey.node}`, 'its snapshots', () =>
    withStreams(
      { host: hosts(share.node), dataset: share.dataset, facts: own },
      { host: hosts(journey.node), dataset, facts: other },
    ),
  );
  return streams === undefined ? { own, other } : { own: streams[0], other: streams[1] };
}
