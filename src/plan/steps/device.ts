import { freeVirtiofsKey, virtiofsValue } from '../../proxmox/virtiofs.ts';
import type { MoveContext } from '../context.ts';
import type { Check } from '../operation.ts';
import type { Step } from '../plan.ts';

/** The virtiofs device, with what the census asks for. It is not hot-pluggable: a running VM keeps it as pending. */
export function deviceStep(context: MoveContext): Step {
  const { share, move, source, targetGuest } = context;
  const wanted = {
    mapping: share.mapping,
    cache: share.cache,
    directIo: false,
    exposeAcl: source.acls > 0,
    exposeXattr: source.xattrs > 0 || source.capabilities > 0 || source.acls > 0,
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
  const exposes = [
    source.acls > 0 ? 'ACLs' : '',
    source.xattrs > 0 ? 'extended attributes' : '',
    source.capabilities > 0 ? 'file capabilities' : '',
  ].filter(Boolean);
  return {
    id: `device ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `virtiofs device ${key} of ${move.to.guest} (VM ${targetGuest.config.vmid}): ${value}`,
    why:
      exposes.length === 0
        ? 'The guest gets the share as a device.'
        : `The guest gets the share as a device. The source uses ${exposes.join(', ')}, which a guest does not see unless the device exposes them.`,
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
    undo: enough
      ? []
      : [
          {
            kind: 'call',
            method: 'PUT',
            path,
            params: present === undefined ? { delete: key } : { [key]: present.raw },
            guards: [configured],
            what:
              present === undefined
                ? 'remove the device; pending until the VM starts anew'
                : 'the device as it was; pending until the VM starts anew',
          },
        ],
  };
}

/** Only a full stop and start of the VM starts virtiofsd anew; a reboot inside the guest does not (qm.adoc). */
export function powerCycleStep(
  context: MoveContext,
  device: Step,
  before: readonly (Step | undefined)[],
): Step {
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
    needs: [device.id, `mount-units ${move.name}`, ...before.flatMap((step) => step?.id ?? [])],
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

function answers(host: string): Extract<Check, { kind: 'run' }> {
  return {
    kind: 'run',
    host,
    argv: ['true'],
    expect: { exitCode: 0 },
    what: `${host} answers by ssh`,
  };
}
