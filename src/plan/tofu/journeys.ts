import type { Config, ShareConfig } from '../../config/config.ts';
import type { ClusterFindings } from '../../inspect/findings.ts';
import { sharesOf } from '../golden-path/context.ts';
import type { Journey } from '../golden-path/facts.ts';
import { commandOf, journeyOf } from '../golden-path/names.ts';
import type { Judgement } from './judge.ts';

/** Something that drayage has begun and not ended: its guests and its mappings must stay as they are until then. */
export interface OpenJourney {
  readonly what: string;
  /** What ends it. */
  readonly next: readonly string[];
  readonly vmids: ReadonlySet<number>;
  readonly mappings: ReadonlySet<string>;
}

/**
 * What is open: a window, as the marks of the last run have it, and a maintenance that was entered, as the cluster shows
 * it: a guest of the share is on the other node.
 */
export function openJourneys(
  config: Config,
  cluster: ClusterFindings,
  window: { readonly phase: string; readonly openedAt: string } | undefined,
): OpenJourney[] {
  const journey = window === undefined ? undefined : journeyOf(window.phase);
  return [
    ...(window === undefined ? [] : [openWindow(config, cluster, window, journey)]),
    ...enteredNodes(config, cluster).map(({ node, shares }) => ({
      what: `the maintenance on ${node} was entered: ${shares.map(({ name }) => name).join(', ')} and its guests are there`,
      next: [`drayage maintenance leave ${node}`],
      ...reachOf(config, cluster, shares),
    })),
  ];
}

/** Changes of a plan that concern what is on its way; what is only read, or not changed, does not. */
export function inTheWay(
  { changes }: Judgement,
  journeys: readonly OpenJourney[],
): { readonly address: string; readonly journey: OpenJourney }[] {
  return changes
    .filter(({ kind }) => kind !== 'none' && kind !== 'read')
    .flatMap(({ address, vmid, mapping }) => {
      const journey = journeys.find(
        ({ vmids, mappings }) =>
          (vmid !== undefined && vmids.has(vmid)) || (mapping !== undefined && mappings.has(mapping)),
      );
      return journey === undefined ? [] : [{ address, journey }];
    });
}

function openWindow(
  config: Config,
  cluster: ClusterFindings,
  { phase, openedAt }: { readonly phase: string; readonly openedAt: string },
  journey: Journey | undefined,
): OpenJourney {
  if (journey !== undefined)
    return {
      what: `the window of \`${commandOf(journey)}\` is open since ${openedAt}`,
      next: [`${commandOf(journey)}   # goes on with it`],
      ...reachOf(config, cluster, sharesOf(config, { cluster }, journey)),
    };
  const known = config.phases.find(({ name }) => name === phase)?.moves;
  // A phase that drayage.yaml does not have any more may be about every move.
  const moves = Object.values(config.moves).filter(({ name }) => known === undefined || known.includes(name));
  const shares = moves.flatMap(({ to }) => config.shares[to.share] ?? []);
  const { vmids, mappings } = reachOf(config, cluster, shares);
  const sources = moves.flatMap(({ from }) => config.guests[from.guest]?.vmid ?? []);
  return {
    what: `the window of phase ${phase} is open since ${openedAt}`,
    next: ['drayage apply   # goes on with it', `drayage rollback --phase ${phase}   # takes it back`],
    vmids: new Set([...vmids, ...sources]),
    mappings,
  };
}

function enteredNodes(config: Config, { vms }: ClusterFindings): { node: string; shares: ShareConfig[] }[] {
  const nodes = new Map<string, ShareConfig[]>();
  for (const share of Object.values(config.shares))
    for (const { node, without } of Object.values(share.maintenance)) {
      const stays = without.flatMap((guest) => config.guests[guest]?.vmid ?? []);
      const away = vms.some(
        (vm) =>
          vm.node === node &&
          !stays.includes(vm.vmid) &&
          vm.virtiofs?.some(({ mapping }) => mapping === share.mapping) === true,
      );
      if (away) nodes.set(node, [...(nodes.get(node) ?? []), share]);
    }
  return [...nodes].map(([node, shares]) => ({ node, shares }));
}

/** Machines that mount one of the shares, or shall, and the mappings. */
function reachOf(
  config: Config,
  { vms }: ClusterFindings,
  shares: readonly ShareConfig[],
): Pick<OpenJourney, 'vmids' | 'mappings'> {
  const mappings = new Set(shares.map(({ mapping }) => mapping));
  const targets = Object.values(config.moves)
    .filter(({ to }) => shares.some(({ name }) => name === to.share))
    .flatMap(({ to }) => config.guests[to.guest]?.vmid ?? []);
  const mounting = vms
    .filter(({ virtiofs }) => virtiofs?.some(({ mapping }) => mappings.has(mapping)) === true)
    .map(({ vmid }) => vmid);
  return { vmids: new Set([...targets, ...mounting]), mappings };
}
