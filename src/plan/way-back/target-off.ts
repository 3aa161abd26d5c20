import type { Config, MoveConfig } from '../../config/config.ts';
import type { Findings } from '../../inspect/findings.ts';
import type { MoveContext } from '../context.ts';
import type { Check } from '../operation.ts';
import type { Step } from '../plan.ts';

/** A target guest that is off. */
export interface TargetOff {
  readonly vmid: number;
  /** `/nodes/prom/qemu/114`. */
  readonly path: string;
  /** Its devices of the share: `virtiofs0`. */
  readonly devices: readonly string[];
  readonly digest: string;
}

/** The target of a move, where it is off; undefined: it runs, or it cannot be told. */
export function targetOff(config: Config, findings: Findings, move: MoveConfig): TargetOff | undefined {
  const guest = findings.guests[move.to.guest];
  if (guest === undefined || guest.running) return undefined;
  const mapping = config.shares[move.to.share]?.mapping;
  return {
    vmid: guest.vmid,
    path: `/nodes/${guest.node}/qemu/${guest.vmid}`,
    devices: guest.vm.virtiofs.filter((device) => device.mapping === mapping).map(({ key }) => key),
    digest: guest.vm.digest,
  };
}

/** It is off, and would start without the share: what runs there then finds nothing to write to. */
export function staysOff({ vmid, path, devices }: TargetOff): Check[] {
  return [
    {
      kind: 'call',
      path: `${path}/status/current`,
      at: 'status',
      equals: 'stopped',
      what: `VM ${vmid} is off`,
    },
    ...devices.map(
      (key): Check => ({
        kind: 'call',
        path: `${path}/config`,
        at: key,
        absent: true,
        what: `VM ${vmid} has no ${key} any more`,
      }),
    ),
  ];
}

/** In place of stopping its workloads: they are down with their guest, and come up without the share. */
export function detachTarget(context: MoveContext, off: TargetOff): Step {
  const { move } = context;
  const { vmid, path, devices, digest } = off;
  const out = staysOff(off);
  return {
    id: `stop-target ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `${move.to.guest} (VM ${vmid}) is off, and loses the share`,
    why: `Whether its workloads would start again cannot be looked at. Without the device nothing in ${move.to.guest} reaches the data, whatever starts there later.`,
    needs: [],
    probe: out,
    operations:
      devices.length === 0
        ? []
        : [
            {
              kind: 'call',
              method: 'PUT',
              path: `${path}/config`,
              params: { delete: devices.join(','), digest },
              guards: out.slice(0, 1),
              what: `remove ${devices.join(', ')} from VM ${vmid}`,
            },
          ],
    proof: out,
    undo: [],
  };
}
