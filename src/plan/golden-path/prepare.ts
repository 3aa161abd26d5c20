import { mappingUpdate } from '../../proxmox/mapping.ts';
import { createDataset, getDatasetProperties } from '../../zfs/commands.ts';
import { shownPosixAcl } from '../../zfs/values.ts';
import type { Check } from '../operation.ts';
import type { Step } from '../plan.ts';
import { shareLayout } from '../share-layout.ts';
import { isStreamed, streamPlaceStep, unseen } from './by-stream.ts';
import { absent, isCurrent, isStandby, mounted, type Passage, standbyFile, standbyText } from './context.ts';
import type { MaintenanceFacts } from './facts.ts';
import { seal, sealed, stepOf } from './step.ts';

/** What the place needs before it can take the data; nothing of it is seen by a guest. */
export function prepareSteps(passage: Passage, facts: MaintenanceFacts): Step[] {
  if (passage.oneDirectory) return mappingStep(passage, facts);
  if (isStreamed(passage)) return [streamPlaceStep(passage), ...mappingStep(passage, facts)];
  return [...datasetStep(passage), unsealStep(passage), placeStep(passage), ...mappingStep(passage, facts)];
}

/** The dataset of the other node, with the properties of a share (zfsprops(7)). */
function datasetStep(passage: Passage): Step[] {
  const { to, share } = passage;
  const { dataset } = to;
  if (dataset === undefined || to.facts.dataset !== undefined) return [];
  const shown = (names: readonly string[], values: readonly string[]): Check => ({
    kind: 'run',
    host: to.node,
    argv: getDatasetProperties(dataset, names),
    expect: { exitCode: 0, stdout: values.join('\n') },
    what: `${dataset} is mounted at ${to.path}`,
  });
  return [
    stepOf(passage, 'dataset', {
      stage: 'prepare',
      title: `Dataset ${dataset} on ${to.node}, mounted at ${to.path}`,
      why: 'The share gets a dataset of its own there, with ACLs and extended attributes switched on before anything is copied.',
      probe: [shown(['mounted', 'mountpoint'], ['yes', to.path])],
      operations: [
        {
          kind: 'run',
          host: to.node,
          argv: createDataset(dataset, {
            acltype: 'posixacl',
            xattr: 'sa',
            mountpoint: to.path,
            ...(share.recordsize === undefined ? {} : { recordsize: share.recordsize }),
          }),
          what: 'create the dataset',
        },
      ],
      proof: [shown(['mounted', 'mountpoint', 'acltype'], ['yes', to.path, shownPosixAcl])],
    }),
  ];
}

function unsealStep(passage: Passage): Step {
  const { to, from } = passage;
  const guards = [
    isCurrent(passage, from),
    absent(to, shareLayout(to.path).marker, `${to.node} has no marker`),
  ];
  return stepOf(passage, 'unseal', {
    stage: 'prepare',
    title: `${to.node}:${to.path} can be written to`,
    why: `It was sealed when ${to.node} was left. It takes the data again; it has no marker, so no workload can start on it.`,
    probe: [sealed(to, false)],
    operations: [seal(to, false, guards)],
    proof: [sealed(to, false)],
  });
}

/** Nothing but what drayage wrote: data that was there before is never synced over. */
const emptyOrOwn =
  'test -d "$1" || exit 1; test -e "$2" || test -z "$(find "$1" -mindepth 1 -maxdepth 1 ! -name .drayage ! -name .zfs -printf x -quit)"';

const standbyOrCurrent =
  'test "$(cat -- "$2" 2>/dev/null)" = "$4" || { test ! -e "$2" && test "$(cat -- "$1" 2>/dev/null)" = "$3"; }';

function placeStep(passage: Passage): Step {
  const { to, from, share } = passage;
  const layout = shareLayout(to.path);
  const own: Check = {
    kind: 'run',
    host: to.node,
    argv: ['sh', '-c', emptyOrOwn, 'sh', to.path, standbyFile(to)],
    expect: { exitCode: 0 },
    what: `${to.node}:${to.path} is an empty directory, or a standby of this share`,
  };
  const guards = [
    ...mounted(to),
    own,
    absent(to, layout.marker, `${to.node} has no marker`),
    isCurrent(passage, from),
  ];
  const standby = isStandby(passage, to, from);
  // Once it was handed over, it is more than a standby.
  const there: Check = {
    kind: 'run',
    host: to.node,
    argv: [
      'sh',
      '-c',
      standbyOrCurrent,
      'sh',
      standbyFile(to),
      layout.marker,
      standbyText(passage, from),
      passage.marker,
    ],
    expect: { exitCode: 0 },
    what: `${to.node}:${to.path} is a standby of ${share.name}, or has its current data`,
  };
  return stepOf(passage, 'place', {
    stage: 'prepare',
    title: `${to.node}:${to.path} is a standby of ${share.name}`,
    why: `What is copied there is not complete yet. Without the marker no workload starts on it; the file standby.json says that ${from.node} has the current data.`,
    probe: [there],
    operations: [
      {
        kind: 'run',
        host: to.node,
        argv: ['install', '-d', '-m', '0755', '-o', '0', '-g', '0', layout.folder],
        guards,
        what: "drayage's own folder",
      },
      {
        kind: 'write',
        host: to.node,
        path: standbyFile(to),
        content: `${standbyText(passage, from)}\n`,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        guards,
        what: 'say that it is a standby',
      },
    ],
    proof: standby,
  });
}

/** The entry comes only while no guest would find a marker there. */
function mappable(passage: Passage): Check[] {
  if (passage.oneDirectory) return [];
  return isStreamed(passage) ? unseen(passage) : isStandby(passage, passage.to, passage.from);
}

/** One's own entry is merged into the list, which the API replaces as a whole; the other nodes' entries go back as they are. */
function mappingStep(passage: Passage, { cluster }: MaintenanceFacts): Step[] {
  const { share, to } = passage;
  const existing = cluster.mappings.find(({ id }) => id === share.mapping);
  if (existing === undefined) return [];
  const entry = { node: to.clusterNode, path: to.path };
  const { call, map } = mappingUpdate(share.mapping, existing, entry, '');
  const others = existing.entries.filter(({ node }) => node !== entry.node).map(({ node }) => node);
  const holds: Check = {
    kind: 'call',
    path: `/cluster/mapping/dir/${share.mapping}`,
    at: 'map',
    equals: map,
    what: `mapping ${share.mapping} points ${to.clusterNode} at ${to.path}, and has the entries of ${others.join(', ')}`,
  };
  return [
    stepOf(passage, 'mapping', {
      stage: 'prepare',
      title: `Directory mapping ${share.mapping}: ${to.clusterNode} -> ${to.path}`,
      why: `The node that a guest starts on decides which path it gets. The API replaces the whole list, so the entries of ${others.join(', ')} are sent back as they are, with the digest of what was read.`,
      probe: [holds],
      operations: [
        {
          kind: 'call',
          ...call,
          guards: mappable(passage),
          what: 'set the mapping',
        },
      ],
      proof: [holds],
    }),
  ];
}
