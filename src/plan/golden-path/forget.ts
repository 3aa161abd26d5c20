import type { Config } from '../../config/config.ts';
import { formatMappingEntry, type MappingEntry } from '../../proxmox/mapping.ts';
import { abortReceive, destroyReceived, dropSnapshots } from '../../zfs/send.ts';
import type { Check } from '../operation.ts';
import type { Blocker, Plan, Step } from '../plan.ts';
import { planId } from '../plan-id.ts';
import { shareLayout } from '../share-layout.ts';
import { absent, isCurrent, mounted, type Passage, type Place, passages, standbyFile } from './context.ts';
import { maintenanceBlocker } from './errors.ts';
import type { Journey, MaintenanceFacts } from './facts.ts';
import { holdTag, phaseOf } from './names.ts';
import { seal, sealed, stepOf } from './step.ts';
import { ownSnapshotsOf } from './stream.ts';

/** Data first, the file that says what it is after it: cut off half-way, it is still known whose the rest is. */
const emptyPlace =
  'find "$1" -xdev -mindepth 1 -maxdepth 1 ! -name .drayage ! -name .zfs -exec rm -rf --one-file-system -- {} + && rm -rf --one-file-system -- "$1/.drayage"';

/**
 * Lets the standby of each share on another node go: its data, and its entry in the mapping. What `enter` has prepared
 * before a hand-over goes the same way. The directory, or the dataset, stays, and is empty.
 */
export function makeForget(config: Config, facts: MaintenanceFacts, journey: Journey, version: string): Plan {
  const back: Journey = { direction: 'leave', node: journey.node };
  const found = passages(config, facts, back).filter(({ oneDirectory }) => !oneDirectory);
  const blockers: Blocker[] = [
    ...found
      .filter(({ from, to }) => from.facts.marker !== undefined || to.facts.marker === undefined)
      .map(({ share, from }) =>
        maintenanceBlocker('maintenance/in-use', {
          seen: `${from.node}:${from.path} has the current data of ${share.name}, or nobody knows which place has it`,
          next: [`drayage maintenance leave ${journey.node}`],
        }),
      ),
    ...Object.values(facts.guests)
      .filter(({ node }) => found.some(({ from }) => from.clusterNode === node))
      .map(({ name, node, vmid }) =>
        maintenanceBlocker('maintenance/in-use', {
          seen: `${name} (VM ${vmid}) is on ${node}, and starts there by this entry of the mapping`,
          next: [`drayage maintenance leave ${journey.node}`],
        }),
      ),
  ];
  const plan = {
    format: 1 as const,
    drayage: version,
    phases: [{ name: phaseOf(back), moves: found.map(({ key }) => key) }],
    steps: found.flatMap((passage) => [
      ...(wasSent(passage) ? datasetGoes(passage) : standbyGoes(passage)),
      ...entryGoes(passage, facts),
    ]),
    blockers,
    notes: found.flatMap((passage) =>
      wasSent(passage)
        ? [
            `${passage.from.dataset} on ${passage.from.node} was made by zfs receive, and goes as a whole. Snapshots that are not drayage's keep it.`,
            ...writtenSince(passage.from),
          ]
        : [
            `${passage.from.dataset ?? passage.from.path} on ${passage.from.node} itself stays, and is empty.`,
          ],
    ),
  };
  return { ...plan, id: planId(plan), estimates: {} };
}

function standbyGoes(passage: Passage): Step[] {
  const { from, to } = passage;
  const { standby } = from.facts;
  if (standby === undefined) return [];
  const { marker, folder } = shareLayout(from.path);
  const guards: Check[] = [
    ...mounted(from),
    isCurrent(passage, to),
    absent(from, marker, `${from.node}:${from.path} has no marker`),
    {
      kind: 'run',
      host: from.node,
      argv: ['cat', standbyFile(from)],
      expect: { exitCode: 0, stdout: standby },
      what: `${from.node}:${from.path} is the standby that was seen`,
    },
  ];
  const gone = absent(from, folder, `nothing of ${passage.share.name} is left at ${from.node}:${from.path}`);
  return [
    stepOf(passage, 'undo seal', {
      stage: 'prepare',
      title: `${from.node}:${from.path} can be written to`,
      why: 'What is sealed cannot be removed.',
      probe: [sealed(from, false)],
      operations: [seal(from, false, guards)],
      proof: [sealed(from, false)],
    }),
    stepOf(passage, 'undo place', {
      stage: 'prepare',
      title: `Remove the standby at ${from.node}:${from.path}`,
      why: `${to.node} has the current data. This is the copy of an earlier time.`,
      probe: [gone],
      operations: [
        {
          kind: 'run',
          host: from.node,
          argv: ['sh', '-c', emptyPlace, 'sh', from.path],
          timeoutSeconds: 7200,
          guards,
          what: 'remove what is in it',
        },
      ],
      proof: [gone],
      irreversible: `The copy on ${from.node} is gone; a later \`enter\` copies everything anew.`,
    }),
  ];
}

/** A receive has made the dataset, or has begun to. */
function wasSent({ from }: Passage): boolean {
  const { dataset } = from.facts;
  return (
    ownSnapshotsOf(from).length > 0 ||
    (dataset?.stream?.snapshots.length === 0 && dataset.stream.unfinished !== undefined)
  );
}

/** What is not in a snapshot of drayage's is more than the copy of an earlier time. */
function writtenSince({ node, dataset, facts }: Place): string[] {
  const stream = facts.dataset?.stream;
  const newest = stream?.snapshots.at(-1);
  if (newest === undefined || stream?.unfinished !== undefined || stream?.writtenBytes === 0) return [];
  return [
    `${dataset} on ${node} was written to since its newest snapshot, and that goes with it. What it is: zfs diff ${dataset}@${newest.name} ${dataset}`,
  ];
}

/** The snapshots of drayage, each by its name, on both sides; then the dataset, which zfs destroys only without any. */
function datasetGoes(passage: Passage): Step[] {
  const { from, to } = passage;
  const dataset = from.dataset as string;
  const { marker } = shareLayout(from.path);
  const guards: Check[] = [
    isCurrent(passage, to),
    absent(from, marker, `${from.node}:${from.path} has no marker`),
  ];
  const gone: Check = {
    kind: 'run',
    host: from.node,
    argv: ['zfs', 'list', '-H', '-o', 'name', dataset],
    expect: { exitCode: 1 },
    what: `${dataset} does not exist on ${from.node}`,
  };
  return [
    stepOf(passage, 'undo place', {
      stage: 'prepare',
      title: `Destroy ${dataset} on ${from.node}`,
      why: `${to.node} has the current data. This is the copy of an earlier time, which zfs receive has made.`,
      probe: [gone],
      operations: [
        ...(from.facts.dataset?.stream?.unfinished === undefined
          ? []
          : [
              {
                kind: 'run' as const,
                host: from.node,
                argv: abortReceive(dataset),
                guards,
                what: 'throw away what a receive that was cut off has left',
              },
            ]),
        ...(to.dataset === undefined || ownSnapshotsOf(to).length === 0
          ? []
          : [
              {
                kind: 'run' as const,
                host: to.node,
                argv: dropSnapshots(to.dataset, ownSnapshotsOf(to), holdTag),
                guards,
                what: `destroy the snapshots of drayage on ${to.node}, by name`,
              },
            ]),
        {
          kind: 'run',
          host: from.node,
          argv: destroyReceived(dataset, ownSnapshotsOf(from), holdTag),
          unless: [gone],
          guards,
          what: `and those on ${from.node}; then the dataset, which must not have another one`,
        },
      ],
      proof: [gone],
      irreversible: `The copy on ${from.node} is gone; a later \`enter\` sends everything anew.`,
    }),
  ];
}

/** One's own entry goes, and the others are sent back: there is at least that of the share's own node. */
function entryGoes({ share, from, to, ...passage }: Passage, { cluster }: MaintenanceFacts): Step[] {
  const mapping = cluster.mappings.find(({ id }) => id === share.mapping);
  const own = ({ node, path }: MappingEntry) => node === from.clusterNode && path === from.path;
  const others = mapping?.entries.filter((entry) => !own(entry)) ?? [];
  if (mapping === undefined || others.length === mapping.entries.length) return [];
  if (!others.some(({ node }) => node === to.clusterNode)) return [];
  const path = `/cluster/mapping/dir/${share.mapping}`;
  const map = others.map(formatMappingEntry);
  const holds: Check = {
    kind: 'call',
    path,
    at: 'map',
    equals: map,
    what: `mapping ${share.mapping} has no entry of ${from.clusterNode}, and those of ${others.map(({ node }) => node).join(', ')}`,
  };
  return [
    stepOf({ share, from, to, ...passage }, 'undo mapping', {
      stage: 'prepare',
      title: `Directory mapping ${share.mapping}: without ${from.clusterNode}`,
      why: `The entries of ${others.map(({ node }) => node).join(', ')} are sent back as they are.`,
      probe: [holds],
      operations: [
        {
          kind: 'call',
          method: 'PUT',
          path,
          params: { map, digest: mapping.digest },
          what: 'send the other entries back',
        },
      ],
      proof: [holds],
    }),
  ];
}
