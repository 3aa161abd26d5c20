import { mappingUpdate } from '../../proxmox/mapping.ts';
import { createDataset, getDatasetProperties } from '../../zfs/commands.ts';
import { shownPosixAcl } from '../../zfs/values.ts';
import type { ShareContext } from '../context.ts';
import type { Step } from '../plan.ts';
import { shareLayout } from '../share-layout.ts';

/** The dataset on the node. ACLs and xattrs need `acltype=posixacl` and are fast with `xattr=sa` (zfsprops(7)). */
export function datasetStep(context: ShareContext, phase: string): Step {
  const { share } = context;
  const exists = context.findings.shares[share.name]?.dataset !== undefined;
  const recordsize = share.recordsize === undefined ? {} : { recordsize: share.recordsize };
  return {
    id: `dataset ${share.name}`,
    phase,
    stage: 'prepare',
    title: `Dataset ${share.dataset} on ${share.node}, mounted at ${share.path}`,
    why: 'The containers get a dataset of their own: snapshots, quota and properties without touching the rest of the pool. ACLs and extended attributes are switched on now, because files that are copied without them lose them.',
    needs: [],
    probe: [
      {
        kind: 'run',
        host: share.node,
        argv: getDatasetProperties(share.dataset, ['mounted', 'mountpoint']),
        expect: { exitCode: 0, stdout: `yes\n${share.path}` },
        what: `${share.dataset} is mounted at ${share.path}`,
      },
    ],
    operations: exists
      ? []
      : [
          {
            kind: 'run',
            host: share.node,
            argv: createDataset(share.dataset, {
              acltype: 'posixacl',
              xattr: 'sa',
              mountpoint: share.path,
              ...recordsize,
            }),
            what: 'create the dataset',
          },
        ],
    proof: [
      {
        kind: 'run',
        host: share.node,
        argv: getDatasetProperties(share.dataset, ['mounted', 'mountpoint', 'acltype']),
        expect: { exitCode: 0, stdout: `yes\n${share.path}\n${shownPosixAcl}` },
        what: `${share.dataset} is mounted at ${share.path}, with POSIX ACLs`,
      },
    ],
    undo: exists
      ? []
      : [
          {
            kind: 'run',
            host: share.node,
            // Without -r: snapshots and datasets below it that others made keep it.
            argv: ['zfs', 'destroy', share.dataset],
            guards: [
              ...context.guards,
              {
                kind: 'run',
                host: share.node,
                argv: [
                  'sh',
                  '-c',
                  'test -z "$(find "$1" -mindepth 1 -maxdepth 1 ! -name .drayage ! -name .zfs -printf x -quit)$(find "$1/.drayage/moves" -type f -printf x -quit)"',
                  'sh',
                  share.path,
                ],
                expect: { exitCode: 0 },
                what: `nothing but drayage's own folder is left in ${share.path}, and no move has a claim`,
              },
            ],
            what: 'destroy the dataset',
          },
        ],
    ...(share.recordsize === undefined
      ? {}
      : { irreversible: `recordsize ${share.recordsize} holds for every block written from now on.` }),
  };
}

/** The marker, and the owner of the top: of the top only, never of what is below. */
export function markerStep(context: ShareContext, phase: string): Step {
  const { share } = context;
  const layout = shareLayout(share.path);
  const owner = `${share.owner.uid}:${share.owner.gid}`;
  const mounted = context.guards.slice(0, 1);
  return {
    id: `marker ${share.name}`,
    phase,
    stage: 'prepare',
    title: `Owner ${owner} and marker of ${share.path}`,
    why: 'The owner is set once, here, and only on the top. The marker is what every later write, every delete and every start of a workload asks for: a dataset that is not mounted does not have it.',
    needs: [`dataset ${share.name}`],
    probe: [
      ...context.guards,
      {
        kind: 'run',
        host: share.node,
        argv: ['stat', '-c', '%u:%g %04a', share.path],
        expect: { exitCode: 0, stdout: `${owner} ${share.mode}` },
        what: `${share.path} belongs to ${owner} with mode ${share.mode}`,
      },
    ],
    operations: [
      {
        kind: 'run',
        host: share.node,
        argv: ['chown', owner, share.path],
        what: 'owner of the top',
        guards: mounted,
      },
      {
        kind: 'run',
        host: share.node,
        argv: ['chmod', share.mode, share.path],
        what: 'mode of the top',
        guards: mounted,
      },
      {
        kind: 'run',
        host: share.node,
        argv: [
          'install',
          '-d',
          '-m',
          '0755',
          '-o',
          '0',
          '-g',
          '0',
          layout.folder,
          layout.images,
          `${layout.folder}/moves`,
        ],
        what: "drayage's own folder",
        guards: mounted,
      },
      {
        kind: 'write',
        host: share.node,
        path: layout.marker,
        content: context.markerText,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        what: 'the marker',
        guards: mounted,
      },
    ],
    proof: [...context.guards],
    undo: [],
  };
}

/** The directory mapping. PUT replaces the whole list, so the entries of other nodes are sent back with the digest. */
export function mappingStep(context: ShareContext, phase: string): Step {
  const { share } = context;
  const existing = context.findings.cluster.mappings.find((mapping) => mapping.id === share.mapping);
  const entry = { node: context.clusterNode, path: share.path };
  const { call, map } = mappingUpdate(share.mapping, existing, entry, `Container data on ${share.dataset}`);
  const others =
    existing?.entries.filter((other) => other.node !== entry.node).map((other) => other.node) ?? [];
  const holds = {
    kind: 'call',
    path: `/cluster/mapping/dir/${share.mapping}`,
    at: 'map',
    equals: map,
    what: `mapping ${share.mapping} points ${context.clusterNode} at ${share.path}`,
  } as const;
  return {
    id: `mapping ${share.name}`,
    phase,
    stage: 'prepare',
    title: `Directory mapping ${share.mapping}: ${context.clusterNode} -> ${share.path}`,
    why:
      others.length === 0
        ? 'Guests ask for the share by this id; the node they start on decides which path it is.'
        : `Guests ask for the share by this id. The API replaces the whole list, so the entries of ${others.join(', ')} are sent back as they are.`,
    needs: [`marker ${share.name}`],
    probe: [holds],
    operations: [{ kind: 'call', ...call, what: 'set the mapping', guards: [...context.guards] }],
    proof: [holds],
    undo: [],
  };
}
