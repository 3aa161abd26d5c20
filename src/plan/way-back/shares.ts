import type { Config, ShareConfig } from '../../config/config.ts';
import type { Findings } from '../../inspect/findings.ts';
import { formatMappingEntry } from '../../proxmox/mapping.ts';
import { type ShareContext, shareContext } from '../context.ts';
import type { Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { shareLayout } from '../share-layout.ts';
import type { ShareFacts } from './facts.ts';

/** What a share needed, when no move is left in it. */
export function shareBack(
  config: Config,
  findings: Findings,
  share: ShareConfig,
  facts: ShareFacts,
  phase: string,
): { steps: Step[]; left: string[] } {
  const context = shareContext(config, findings, share);
  const made = (id: string) => facts.performed.find(({ step }) => step.id === `${id} ${share.name}`)?.step;
  const steps: Step[] = [];
  const left: string[] = [];
  if (made('mapping') !== undefined) {
    const back = mappingBack(context, phase);
    if (back !== undefined) steps.push(back);
  }
  const dataset = made('dataset');
  const there = findings.shares[share.name]?.dataset;
  if (there === undefined) return { steps, left };
  if (dataset !== undefined && dataset.undo.length > 0) {
    const others = [
      ...facts.snapshots.map((name) => `snapshot @${name}`),
      ...there.children.map((child) => `dataset ${child}`),
      ...facts.strangers.map((name) => `${share.path}/${name}`),
    ];
    if (others.length === 0) steps.push(step(context, phase, dataset, dataset.undo));
    else
      left.push(
        `${share.dataset} stays, because there is more in it than drayage brought: ${others.slice(0, 5).join(', ')}${others.length > 5 ? ` and ${others.length - 5} more` : ''}.`,
      );
  } else {
    const marker = made('marker');
    if (marker !== undefined) steps.push(step(context, phase, marker, markerBack(context, marker)));
  }
  return { steps, left };
}

function step(context: ShareContext, phase: string, of: Step, operations: readonly Operation[]): Step {
  return {
    id: `undo ${of.id}`,
    phase,
    stage: 'prepare',
    title: `Take back: ${of.title}`,
    why: `No move is left in ${context.share.name}.`,
    needs: [],
    probe: [],
    operations: [...operations],
    proof: [],
    undo: [],
  };
}

/** Only this node's entry goes; the API replaces the whole list, so the others are sent back with the digest. */
function mappingBack(context: ShareContext, phase: string): Step | undefined {
  const { share, findings, clusterNode } = context;
  const mapping = findings.cluster.mappings.find(({ id }) => id === share.mapping);
  const own = mapping?.entries.find((entry) => entry.node === clusterNode && entry.path === share.path);
  if (mapping === undefined || own === undefined) return undefined;
  const others = mapping.entries.filter((entry) => entry !== own);
  const path = `/cluster/mapping/dir/${share.mapping}`;
  const map = others.map(formatMappingEntry);
  return {
    id: `undo mapping ${share.name}`,
    phase,
    stage: 'prepare',
    title: `Directory mapping ${share.mapping}: without ${clusterNode}`,
    why:
      others.length === 0
        ? 'No other node has an entry in it: the mapping goes as a whole.'
        : `The entries of ${others.map(({ node }) => node).join(', ')} stay as they are.`,
    needs: [],
    probe: [],
    operations: [
      others.length === 0
        ? { kind: 'call', method: 'DELETE', path, params: {}, what: 'remove the mapping' }
        : {
            kind: 'call',
            method: 'PUT',
            path,
            params: { map, digest: mapping.digest },
            what: 'send the other entries back',
          },
    ],
    proof: [
      {
        kind: 'call',
        path,
        at: 'map',
        ...(others.length === 0 ? { absent: true } : { equals: map }),
        what: `mapping ${share.mapping} has no entry of ${clusterNode}`,
      },
    ],
    undo: [],
  };
}

/** The dataset was there before: it keeps everything but drayage's own folder, and gets its owner and mode back. */
function markerBack(context: ShareContext, marker: Step): Operation[] {
  const { share, guards } = context;
  const { folder, marker: file, images } = shareLayout(share.path);
  const script =
    'cd -- "$1" && rm -rf --one-file-system -- "$2" "$1/partial" && if test -d moves; then rmdir -- moves; fi && rm -f -- "$3" && cd / && rmdir -- "$1"';
  return [
    ...marker.undo,
    {
      kind: 'run',
      host: share.node,
      argv: ['sh', '-c', script, 'sh', folder, images, file],
      guards: [...guards],
      what: "remove drayage's own folder",
    },
  ];
}
