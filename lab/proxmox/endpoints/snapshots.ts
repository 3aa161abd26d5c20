/** GET /nodes/{node}/qemu/{vmid}/snapshot: what the configuration file lists. Snapshots are not made here. */
import { type Call, type Endpoint, target } from '../endpoint.ts';
import * as format from '../formats.ts';
import { params } from '../params.ts';

export const snapshotEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/nodes/{node}/qemu/{vmid}/snapshot',
    params: params({ node: format.node, vmid: format.vmid }),
    permission: { path: '/vms/{vmid}', privileges: ['VM.Audit'] },
    handle: listSnapshots,
  },
];

function listSnapshots(call: Call): unknown {
  const { node, vmid } = target(call);
  const { conf, digest } = call.cluster.vms.read(node, vmid);
  const parentOf = (parent: string | undefined) => (parent === undefined ? {} : { parent });
  return [
    ...Object.entries(conf.snapshots).map(([name, { description, options }]) => ({
      name,
      description: description ?? '',
      snaptime: Number(options.snaptime ?? 0),
      vmstate: options.vmstate === undefined ? 0 : 1,
      ...parentOf(options.parent),
    })),
    {
      name: 'current',
      description: 'You are here!',
      digest,
      running: call.cluster.options.machines.running(vmid) ? 1 : 0,
      ...parentOf(conf.options.parent),
    },
  ];
}
