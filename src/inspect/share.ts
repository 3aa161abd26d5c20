import { z } from 'zod';
import type { MoveConfig, ShareConfig } from '../config/config.ts';
import { guestError } from '../guest/errors.ts';
import { type Answer, probe } from '../guest/probe.ts';
import { moveLayout, shareLayout } from '../plan/share-layout.ts';
import type { Host } from '../ssh/host.ts';
import { nearestAbove, readDataset } from '../zfs/dataset.ts';
import type { MoveFindings, ShareFindings, ShareMarker } from './findings.ts';

const markerSchema = z.object({ uuid: z.string().min(1), share: z.string().min(1) });

/** Looks at a share on its node, and at the places of its moves. */
export async function readShare(
  host: Host,
  share: ShareConfig,
  moves: readonly MoveConfig[],
): Promise<{
  share: ShareFindings;
  targets: ReadonlyMap<string, NonNullable<MoveFindings['target']>>;
  /** Texts of the notes of moves whose claim is there; empty where one could not be read. */
  notes: ReadonlyMap<string, string>;
}> {
  const dataset = await readDataset(host, share.dataset);
  const mounted = dataset?.mounted === true;
  const above = dataset ?? (await nearestAbove(host, share.dataset));
  const answers: Readonly<Record<string, Answer>> = await probe<string>(host, {
    inside: firstEntry(share.path),
    top: ['stat', '--printf=%u %g %a', '--', share.path],
    fileSystem: ['stat', '--file-system', '--printf=%T %c %d', '--', share.path],
    marker: ['cat', shareLayout(share.path).marker],
    standby: ['cat', `${shareLayout(share.path).folder}/standby.json`],
    ...Object.fromEntries(
      moves.flatMap((move) => [
        [`there:${move.name}`, ['test', '-e', move.to.path]],
        [`inside:${move.name}`, firstEntry(move.to.path)],
        [`claim:${move.name}`, ['test', '-e', moveLayout(share.path, move.name).claim]],
        [`released:${move.name}`, ['test', '-e', moveLayout(share.path, move.name).released]],
        [`handed-over:${move.name}`, ['test', '-e', moveLayout(share.path, move.name).handedOver]],
        [`noted:${move.name}`, ['test', '-e', moveLayout(share.path, move.name).rescue]],
        [`note:${move.name}`, ['cat', moveLayout(share.path, move.name).rescue]],
      ]),
    ),
  });
  const yes = (key: string): boolean => answers[key]?.exitCode === 0;
  const filled = (key: string): boolean => (answers[key]?.stdout ?? '') !== '';
  const [uid, gid, mode] = (answers.top?.stdout ?? '').split(' ');
  return {
    share: {
      name: share.name,
      ...(dataset === undefined
        ? {}
        : {
            dataset: {
              mounted,
              mountpoint: dataset.mountpoint,
              acltype: dataset.acltype,
              xattr: dataset.xattr,
              availableBytes: dataset.availableBytes,
              children: dataset.children,
            },
          }),
      occupied: !mounted && filled('inside'),
      ...(above === undefined
        ? {}
        : {
            room: {
              dataset: above.name,
              bytes: above.availableBytes,
              ...(mounted ? freeInodes(answers.fileSystem) : {}),
            },
          }),
      ...(mounted && yes('top')
        ? { top: { uid: Number(uid), gid: Number(gid), mode: (mode ?? '').padStart(4, '0') } }
        : {}),
      ...(mounted && yes('standby') && !yes('marker')
        ? { elsewhere: answers.standby?.stdout.trim() ?? '' }
        : {}),
      // As `maintenance leave` has it while zfs brings the share back.
      ...(dataset !== undefined && dataset.mountpoint === 'none' && dataset.readonly
        ? { elsewhere: `${share.dataset} has no mount point and is read-only` }
        : {}),
      ...(mounted && yes('marker') ? { marker: readMarker(host, share, answers.marker?.stdout ?? '') } : {}),
    },
    targets: new Map(
      moves
        .filter((move) => mounted && yes(`there:${move.name}`))
        .map((move) => [
          move.name,
          {
            empty: !filled(`inside:${move.name}`),
            claimed: yes(`claim:${move.name}`),
            released: yes(`released:${move.name}`),
            handedOver: yes(`handed-over:${move.name}`),
          },
        ]),
    ),
    notes: new Map(
      moves
        // Without its claim, nothing of the move is left: a note would be of an earlier one.
        .filter(({ name }) => mounted && yes(`claim:${name}`) && yes(`noted:${name}`))
        .map(({ name }) => [name, yes(`note:${name}`) ? (answers[`note:${name}`]?.stdout ?? '') : '']),
    ),
  };
}

/** ZFS and btrfs make inodes as they are needed (statvfs' numbers follow the free space, or are 0). */
function freeInodes(answer: Answer | undefined): { inodes?: number } {
  const [type, all, free] = (answer?.stdout ?? '').split(' ');
  if (answer?.exitCode !== 0 || type === 'zfs' || !/^[1-9]\d*$/.test(all ?? '') || !/^\d+$/.test(free ?? ''))
    return {};
  return { inodes: Number(free) };
}

/** What lies in a folder beside drayage's own: the first entry is enough. */
function firstEntry(path: string): string[] {
  return [
    'find',
    path,
    '-mindepth',
    '1',
    '-maxdepth',
    '1',
    '!',
    '-name',
    '.drayage',
    '-printf',
    'x',
    '-quit',
  ];
}

function readMarker(host: Host, share: ShareConfig, text: string): ShareMarker {
  const file = shareLayout(share.path).marker;
  try {
    return markerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw guestError('guest/unexpected-output', {
      seen: `${file} on ${host.name} is not the marker of a share: ${text.trim().slice(0, 100) || 'it is empty'}`,
      next: [`cat ${file}   # on ${host.name}: written by drayage, or by whom?`],
      meaning:
        'A marker says which share this is. One that cannot be read says nothing; nothing was changed.',
      cause,
    });
  }
}
