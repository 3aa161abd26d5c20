import type { ShareConfig } from '../../config/config.ts';
import { bindMountUnit, madeByDrayage, virtiofsMountUnit } from '../../guest/mount-unit.ts';
import { mountUnitName } from '../../guest/unit-name.ts';
import type { MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { shareLayout } from '../share-layout.ts';
import { nixosModule } from './nixos-module.ts';

const makeImmutable = 'mountpoint -q "$1" || { test -z "$(ls -A -- "$1")" && chattr +i -- "$1"; }';

const removeMountUnit =
  'if test -e "$1" && grep -qxF -- "$2" "$1"; then systemctl disable --now -- "$3" && rm -f -- "$1"; fi';
const liftImmutable = 'mountpoint -q "$1" || ! test -d "$1" || chattr -i -- "$1"';

/** A guest that shall mount the share, whether for a move or because it joins the fleet. */
export interface MountTarget {
  /** What the ids of its steps end with. */
  readonly name: string;
  readonly phase: string;
  readonly guest: string;
  readonly os: string;
  readonly share: ShareConfig;
  /** Text of the marker in the share. */
  readonly markerText: string;
  /** Ids of the steps before the mount units. */
  readonly needs: readonly string[];
  /** Path continuity for a move: its place in the share, and the path at which its workloads look. */
  readonly move?: { readonly name: string; readonly as: string; readonly path: string };
  /** What a NixOS guest imports instead. */
  readonly nixModule: () => string;
}

export function mountTarget(context: MoveContext): MountTarget {
  const { share, move, targetGuest, markerText } = context;
  return {
    name: move.name,
    phase: move.phase,
    guest: move.to.guest,
    os: targetGuest.system.os,
    share,
    markerText,
    needs: [`place ${move.name}`],
    move: { name: move.name, as: move.to.as, path: move.from.path },
    nixModule: () => nixosModule(context),
  };
}

/** What is mounted, in the order of the mounts. */
const placesOf = ({ share, move }: MountTarget): string[] => [
  ...new Set([share.mount, ...(move === undefined ? [] : [move.path])]),
];

/** Mount units in the target guest: the share at a path of its own, and the move's place at the old path. */
export function mountUnitsStep(target: MountTarget): Step {
  const { guest: host, move, share } = target;
  const marker = shareLayout(share.mount).marker;
  const files = [virtiofsMountUnit({ tag: share.mapping, mount: share.mount })];
  const bound = move === undefined || move.as === '.' ? undefined : move;
  if (bound !== undefined) {
    files.push(
      bindMountUnit({
        from: `${share.mount}/${bound.as}`,
        at: bound.path,
        shareMount: share.mount,
        marker,
      }),
    );
  }
  const base = {
    id: `mount-units ${target.name}`,
    phase: target.phase,
    ...(move === undefined ? {} : { move: move.name }),
    stage: 'prepare' as const,
    title: `Mounts in ${host}: ${share.mapping} at ${share.mount}${bound === undefined ? '' : `, ${bound.as} at ${bound.path}`}`,
    why: `${move === undefined ? '' : `The workloads find their data at ${move.path} as before. `}A share that is missing at boot does not keep ${host} from booting; nothing can be written below the empty mount points (chattr +i).`,
    needs: [...target.needs],
  };
  const mountPoints = placesOf(target);
  if (target.os === 'nixos') {
    return {
      ...base,
      undo: [],
      probe: mountPoints.map((path) => hasMountUnit(host, path)),
      operations: [],
      proof: mountPoints.map((path) => hasMountUnit(host, path)),
      byHand: target.nixModule(),
    };
  }
  const unitsInPlace: Check[] = [
    ...files.map(
      (file): Check => ({
        kind: 'run',
        host,
        argv: ['cat', file.path],
        expect: { exitCode: 0, stdout: file.content.trimEnd() },
        what: `${file.path} is as planned`,
      }),
    ),
    {
      kind: 'run',
      host,
      argv: ['systemctl', 'is-enabled', ...files.map((file) => file.name)],
      expect: { exitCode: 0, stdout: files.map(() => 'enabled').join('\n') },
      what: 'the mount units are enabled',
    },
  ];
  return {
    ...base,
    probe: unitsInPlace,
    operations: [
      {
        kind: 'run',
        host,
        argv: ['mkdir', '-p', '--', ...mountPoints],
        what: 'mount points',
      },
      ...mountPoints.map((path) => ({
        kind: 'run' as const,
        host,
        argv: ['sh', '-c', makeImmutable, 'sh', path],
        what: `nothing can be written to ${path} while nothing is mounted; a directory that is not empty is refused`,
      })),
      ...files.map((file) => ({
        kind: 'write' as const,
        host,
        path: file.path,
        content: file.content,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        guards: [ownFile(host, file.path)],
        what: `mount unit ${file.name}`,
      })),
      { kind: 'run', host, argv: ['systemctl', 'daemon-reload'], what: 'systemd reads the units' },
      {
        kind: 'run',
        host,
        argv: ['systemctl', 'enable', ...files.map((file) => file.name)],
        what: 'mounted at each boot',
      },
    ],
    proof: unitsInPlace,
    undo: [
      ...files.toReversed().map(
        (file): Operation => ({
          kind: 'run',
          host,
          argv: ['sh', '-c', removeMountUnit, 'sh', file.path, madeByDrayage, file.name],
          timeoutSeconds: 90,
          what: `unmount and remove ${file.name}, if drayage made it`,
        }),
      ),
      { kind: 'run', host, argv: ['systemctl', 'daemon-reload'], what: 'systemd reads the units' },
      ...mountPoints.map(
        (path): Operation => ({
          kind: 'run',
          host,
          argv: ['sh', '-c', liftImmutable, 'sh', path],
          what: `${path} is an ordinary directory again`,
        }),
      ),
    ],
  };
}

/** The guest sees the marker through virtiofs, at the share's path; and the move's place at the old path. */
export function mountedStep(target: MountTarget): Step {
  const { guest: host, move, share } = target;
  const seesMarker: Check = {
    kind: 'run',
    host,
    argv: ['cat', shareLayout(share.mount).marker],
    expect: { exitCode: 0, stdout: target.markerText.trimEnd() },
    what: `${host} sees the marker of share ${share.name} through virtiofs`,
  };
  const atItsPath: Check = {
    kind: 'run',
    host,
    argv: ['mountpoint', '-q', move?.path ?? share.mount],
    expect: { exitCode: 0 },
    what: `${move?.path ?? share.mount} is mounted in ${host}`,
  };
  return {
    id: `mounted ${target.name}`,
    phase: target.phase,
    ...(move === undefined ? {} : { move: move.name }),
    stage: 'prepare',
    title: `${host} sees the share at ${share.mount}${move === undefined || move.as === '.' ? '' : ` and ${move.path}`}`,
    why: 'A mapping that points elsewhere, or a dataset that is not mounted, would be an empty directory: the marker tells them apart.',
    needs: [`power-cycle ${target.name}`],
    probe: [seesMarker, atItsPath],
    operations: [
      {
        kind: 'run',
        host,
        argv: ['systemctl', 'start', '--', ...placesOf(target).map((path) => mountUnitName(path))],
        timeoutSeconds: 90,
        what: 'mount what the boot has not mounted',
      },
    ],
    proof: [seesMarker, atItsPath],
    undo: [],
  };
}

/** Other people's units survive: a file of this name that drayage did not make stops the step. */
function ownFile(host: string, path: string): Check {
  return {
    kind: 'run',
    host,
    argv: ['sh', '-c', '! test -e "$1" || grep -qxF -- "$2" "$1"', 'sh', path, madeByDrayage],
    expect: { exitCode: 0 },
    what: `${path} does not exist, or was made by drayage`,
  };
}

function hasMountUnit(host: string, path: string): Check {
  return {
    kind: 'run',
    host,
    argv: ['systemctl', 'cat', '--', mountUnitName(path)],
    expect: { exitCode: 0 },
    what: `${host} has a mount unit for ${path}`,
  };
}
