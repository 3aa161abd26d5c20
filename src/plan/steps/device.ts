import type { ShareConfig } from '../../config/config.ts';
import type { GuestFindings } from '../../inspect/findings.ts';
import { freeVirtiofsKey, virtiofsValue } from '../../proxmox/virtiofs.ts';
import type { MoveContext } from '../context.ts';
import type { Check } from '../operation.ts';
import type { Step } from '../plan.ts';

/** A guest that shall have the share's device, whether for a move or because it joins the fleet. */
export interface DeviceTarget {
  /** What the ids of its steps end with. */
  readonly name: string;
  readonly phase: string;
  readonly move?: string;
  readonly guest: string;
  readonly vmid: number;
  readonly share: ShareConfig;
  readonly findings: Pick<GuestFindings, 'node' | 'running' | 'vm'>;
  /** What the data uses that a guest does not see unless the device exposes it. */
  readonly uses: { readonly acls: number; readonly xattrs: number; readonly capabilities: number };
  /** Names of containers that stop with the guest. */
  readonly running: readonly string[];
}

export function deviceTarget({ share, move, source, targetGuest }: MoveContext): DeviceTarget {
  return {
    name: move.name,
    phase: move.phase,
    move: move.name,
    guest: move.to.guest,
    vmid: targetGuest.config.vmid,
    share,
    findings: targetGuest.findings,
    uses: source,
    running: targetGuest.system.containers.filter(({ running }) => running).map(({ name }) => name),
  };
}

/** The virtiofs device, with what the census asks for. It is not hot-pluggable: a running VM keeps it as pending. */
export function deviceStep(target: DeviceTarget): Step {
  const { share, uses, findings } = target;
  const wanted = {
    mapping: share.mapping,
    cache: share.cache,
    directIo: false,
    exposeAcl: uses.acls > 0,
    exposeXattr: uses.xattrs > 0 || uses.capabilities > 0 || uses.acls > 0,
  };
  const devices = findings.vm.virtiofs;
  const present = devices.find((device) => device.mapping === share.mapping);
  const enough =
    present !== undefined &&
    (present.exposeAcl || !wanted.exposeAcl) &&
    (present.exposeXattr || present.exposeAcl || !wanted.exposeXattr);
  const key = present?.key ?? freeVirtiofsKey(devices.map((device) => device.key));
  const value = enough ? present.raw : virtiofsValue(wanted);
  const path = `/nodes/${findings.node}/qemu/${target.vmid}/config`;
  const configured: Check = { kind: 'call', path, at: key, equals: value, what: `${key} is ${value}` };
  const exposes = [
    uses.acls > 0 ? 'ACLs' : '',
    uses.xattrs > 0 ? 'extended attributes' : '',
    uses.capabilities > 0 ? 'file capabilities' : '',
  ].filter(Boolean);
  return {
    id: `device ${target.name}`,
    phase: target.phase,
    ...(target.move === undefined ? {} : { move: target.move }),
    stage: 'prepare',
    title: `virtiofs device ${key} of ${target.guest} (VM ${target.vmid}): ${value}`,
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
            params: { [key]: value, digest: findings.vm.digest },
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
  target: DeviceTarget,
  device: Step,
  before: readonly (Step | undefined)[],
): Step {
  const { findings, guest, running, vmid } = target;
  const vm = `/nodes/${findings.node}/qemu/${vmid}`;
  const attached: Check[] = device.proof.flatMap((check) =>
    check.kind === 'call'
      ? [
          {
            ...check,
            path: `${vm}/config?current=1`,
            what: `the running VM ${vmid} has ${check.at}`,
          },
        ]
      : [],
  );
  const up = {
    kind: 'call',
    path: `${vm}/status/current`,
    at: 'status',
    equals: 'running',
    what: `VM ${vmid} runs`,
  } as const;
  return {
    id: `power-cycle ${target.name}`,
    phase: target.phase,
    ...(target.move === undefined ? {} : { move: target.move }),
    stage: 'prepare',
    title: `Stop and start ${guest}, so that it gets the device`,
    why:
      running.length === 0
        ? `The device appears when QEMU starts. No container runs on ${guest}. The boot is a proof too: the mounts must come up by themselves.`
        : `The device appears when QEMU starts. These containers on ${guest} stop meanwhile: ${running.join(', ')}.`,
    needs: [device.id, `mount-units ${target.name}`, ...before.flatMap((step) => step?.id ?? [])],
    probe: [up, ...attached],
    operations: [
      ...(findings.running
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
    proof: [{ ...up, within: 60 }, ...attached, { ...answers(guest), within: 300 }],
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
