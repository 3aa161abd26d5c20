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

/** Mount units in the target guest: the share at a path of its own, and the move's place at the old path. */
export function mountUnitsStep(context: MoveContext): Step {
  const { share, move, targetGuest } = context;
  const host = move.to.guest;
  const marker = shareLayout(share.mount).marker;
  const files = [virtiofsMountUnit({ tag: share.mapping, mount: share.mount })];
  if (move.to.as !== '.') {
    files.push(
      bindMountUnit({
        from: `${share.mount}/${move.to.as}`,
        at: move.from.path,
        shareMount: share.mount,
        marker,
      }),
    );
  }
  const base = {
    id: `mount-units ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Mounts in ${host}: ${share.mapping} at ${share.mount}${move.to.as === '.' ? '' : `, ${move.to.as} at ${move.from.path}`}`,
    why: `The workloads find their data at ${move.from.path} as before. A share that is missing at boot does not keep ${host} from booting; nothing can be written below the empty mount points (chattr +i).`,
    needs: [`place ${move.name}`],
  } as const;
  const mountPoints = [...new Set([share.mount, move.from.path])];
  if (targetGuest.system.os === 'nixos') {
    return {
      ...base,
      needs: [...base.needs],
      undo: [],
      probe: mountPoints.map((path) => hasMountUnit(host, path)),
      operations: [],
      proof: mountPoints.map((path) => hasMountUnit(host, path)),
      byHand: nixosModule(context),
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
    needs: [...base.needs],
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
export function mountedStep(context: MoveContext): Step {
  const { share, move } = context;
  const host = move.to.guest;
  const seesMarker: Check = {
    kind: 'run',
    host,
    argv: ['cat', shareLayout(share.mount).marker],
    expect: { exitCode: 0, stdout: context.markerText.trimEnd() },
    what: `${host} sees the marker of share ${share.name} through virtiofs`,
  };
  const atOldPath: Check = {
    kind: 'run',
    host,
    argv: ['mountpoint', '-q', move.from.path],
    expect: { exitCode: 0 },
    what: `${move.from.path} is mounted in ${host}`,
  };
  const paths = [...new Set([share.mount, move.from.path])];
  return {
    id: `mounted ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `${host} sees the share at ${share.mount}${move.to.as === '.' ? '' : ` and ${move.from.path}`}`,
    why: 'A mapping that points elsewhere, or a dataset that is not mounted, would be an empty directory: the marker tells them apart.',
    needs: [`power-cycle ${move.name}`],
    probe: [seesMarker, atOldPath],
    operations: [
      {
        kind: 'run',
        host,
        argv: ['systemctl', 'start', '--', ...paths.map((path) => mountUnitName(path))],
        timeoutSeconds: 90,
        what: 'mount what the boot has not mounted',
      },
    ],
    proof: [seesMarker, atOldPath],
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
