import { bindMountUnit, madeByDrayage, virtiofsMountUnit } from '../../guest/mount-unit.ts';
import { mountUnitName } from '../../guest/unit-name.ts';
import { nixosMountModule } from '../../nix/mount-module.ts';
import { freeVirtiofsKey, virtiofsValue } from '../../proxmox/virtiofs.ts';
import type { MoveContext } from '../context.ts';
import type { Check } from '../operation.ts';
import type { Step } from '../plan.ts';
import { moveLayout, shareLayout } from '../share-layout.ts';
import { workloadUnits } from './workload-names.ts';

/** The place of the move in the share, claimed for it. */
export function placeStep(context: MoveContext): Step {
  const { share, move } = context;
  const layout = moveLayout(share.path, move.name);
  const claim = `${JSON.stringify({ move: move.name, from: { guest: move.from.guest, path: move.from.path } })}\n`;
  return {
    id: `place ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Place for ${move.name}: ${move.to.path}`,
    why: 'The place is claimed for this move, so that no other move, and no data that was there before, can be synced over.',
    needs: [`marker ${share.name}`],
    probe: [
      {
        kind: 'run',
        host: share.node,
        argv: ['cat', layout.claim],
        expect: { exitCode: 0, stdout: claim.trimEnd() },
        what: `${move.to.path} is claimed for ${move.name}`,
      },
      {
        kind: 'run',
        host: share.node,
        argv: ['test', '-d', move.to.path],
        expect: { exitCode: 0 },
        what: `${move.to.path} is a directory`,
      },
    ],
    operations: [
      {
        kind: 'run',
        host: share.node,
        argv: ['mkdir', '-p', '--', move.to.path, layout.folder],
        what: 'make the directory',
        guards: [...context.guards],
      },
      {
        kind: 'write',
        host: share.node,
        path: layout.claim,
        content: claim,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        what: 'claim it',
        guards: [...context.guards],
      },
    ],
    proof: [],
    undo: [],
  };
}

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
    undo: [],
  } as const;
  const mountPoints = [...new Set([share.mount, move.from.path])];
  if (targetGuest.system.os === 'nixos') {
    return {
      ...base,
      needs: [...base.needs],
      undo: [],
      probe: mountPoints.map((path) => fstabOrUnit(host, path)),
      operations: [],
      proof: mountPoints.map((path) => fstabOrUnit(host, path)),
      byHand: nixosMountModule({ share, move, workloads: workloadUnits(context) }),
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
    undo: [],
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
        argv: ['chattr', '+i', '--', path],
        what: `nothing can be written to ${path} while nothing is mounted`,
        guards: [notMounted(host, path), emptyDirectory(host, path)],
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
  };
}

/** The virtiofs device, with what the census asks for. It is not hot-pluggable: a running VM keeps it as pending. */
export function deviceStep(context: MoveContext): Step {
  const { share, move, source, targetGuest } = context;
  const wanted = {
    mapping: share.mapping,
    cache: share.cache,
    directIo: false,
    exposeAcl: source.acls > 0,
    exposeXattr: source.xattrs > 0 || source.acls > 0,
  };
  const devices = targetGuest.findings.vm.virtiofs;
  const present = devices.find((device) => device.mapping === share.mapping);
  const enough =
    present !== undefined &&
    (present.exposeAcl || !wanted.exposeAcl) &&
    (present.exposeXattr || present.exposeAcl || !wanted.exposeXattr);
  const key = present?.key ?? freeVirtiofsKey(devices.map((device) => device.key));
  const value = enough ? present.raw : virtiofsValue(wanted);
  const path = `/nodes/${targetGuest.findings.node}/qemu/${targetGuest.config.vmid}/config`;
  const configured: Check = { kind: 'call', path, at: key, equals: value, what: `${key} is ${value}` };
  const exposes = [wanted.exposeAcl ? 'ACLs' : '', wanted.exposeXattr ? 'extended attributes' : ''].filter(
    Boolean,
  );
  return {
    id: `device ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `virtiofs device ${key} of ${move.to.guest} (VM ${targetGuest.config.vmid}): ${value}`,
    why:
      exposes.length === 0
        ? 'The guest gets the share as a device.'
        : `The guest gets the share as a device. The source uses ${exposes.join(' and ')}, which a guest does not see unless the device exposes them.`,
    needs: [`mapping ${share.name}`],
    probe: [configured],
    operations: enough
      ? []
      : [
          {
            kind: 'call',
            method: 'PUT',
            path,
            params: { [key]: value, digest: targetGuest.findings.vm.digest },
            what: 'set the device; pending until the VM starts anew',
          },
        ],
    proof: [configured],
    undo: [],
  };
}

/** Only a full stop and start of the VM starts virtiofsd anew; a reboot inside the guest does not (qm.adoc). */
export function powerCycleStep(context: MoveContext, device: Step): Step {
  const { move, targetGuest } = context;
  const vm = `/nodes/${targetGuest.findings.node}/qemu/${targetGuest.config.vmid}`;
  const running = targetGuest.system.containers
    .filter((container) => container.running)
    .map((container) => container.name);
  const attached: Check[] = device.proof.flatMap((check) =>
    check.kind === 'call'
      ? [
          {
            ...check,
            path: `${vm}/config?current=1`,
            what: `the running VM ${targetGuest.config.vmid} has ${check.at}`,
          },
        ]
      : [],
  );
  const up = {
    kind: 'call',
    path: `${vm}/status/current`,
    at: 'status',
    equals: 'running',
    what: `VM ${targetGuest.config.vmid} runs`,
  } as const;
  return {
    id: `power-cycle ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Stop and start ${move.to.guest}, so that it gets the device`,
    why:
      running.length === 0
        ? `The device appears when QEMU starts. No container runs on ${move.to.guest}. The boot is a proof too: the mounts must come up by themselves.`
        : `The device appears when QEMU starts. These containers on ${move.to.guest} stop meanwhile: ${running.join(', ')}.`,
    needs: [`device ${move.name}`, `mount-units ${move.name}`],
    probe: [up, ...attached],
    operations: [
      ...(targetGuest.findings.running
        ? [
            {
              kind: 'call' as const,
              method: 'POST' as const,
              path: `${vm}/status/shutdown`,
              params: { timeout: 180 },
              timeoutSeconds: 240,
              what: 'shut the guest down',
            },
          ]
        : []),
      {
        kind: 'call',
        method: 'POST',
        path: `${vm}/status/start`,
        params: {},
        timeoutSeconds: 120,
        what: 'start it',
      },
    ],
    proof: [{ ...up, within: 60 }, ...attached, { ...answers(move.to.guest), within: 300 }],
    undo: [],
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

function answers(host: string): Extract<Check, { kind: 'run' }> {
  return {
    kind: 'run',
    host,
    argv: ['true'],
    expect: { exitCode: 0 },
    what: `${host} answers by ssh`,
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

function notMounted(host: string, path: string): Check {
  return {
    kind: 'run',
    host,
    argv: ['mountpoint', '-q', path],
    expect: { exitCode: 32 },
    what: `nothing is mounted at ${path}`,
  };
}

function emptyDirectory(host: string, path: string): Check {
  return {
    kind: 'run',
    host,
    argv: ['ls', '-A', '--', path],
    expect: { exitCode: 0, stdout: '' },
    what: `${path} is empty`,
  };
}

function fstabOrUnit(host: string, path: string): Check {
  return {
    kind: 'run',
    host,
    argv: ['systemctl', 'cat', '--', mountUnitName(path)],
    expect: { exitCode: 0 },
    what: `${host} has a mount unit for ${path}`,
  };
}
