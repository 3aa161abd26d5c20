/** /cluster: members, resources, the next free id, and HA (nothing is managed by HA here). */
import { badParams, died } from '../api-error.ts';
import { may } from '../auth.ts';
import type { Call, Endpoint } from '../endpoint.ts';
import * as format from '../formats.ts';
import { params, text } from '../params.ts';
import { vmSummary } from '../vm-summary.ts';
import { nodeRow } from './nodes.ts';
import { storageRow } from './storage.ts';

const audit = { path: '/', privileges: ['Sys.Audit'] };
const kind = text({ enum: ['ct', 'vm'] });

export const clusterEndpoints: readonly Endpoint[] = [
  { method: 'GET', path: '/cluster/status', params: {}, permission: audit, handle: status },
  {
    method: 'GET',
    path: '/cluster/resources',
    params: params({ 'type?': text({ enum: ['vm', 'storage', 'node', 'sdn'] }) }),
    permission: 'user',
    handle: resources,
  },
  {
    method: 'GET',
    path: '/cluster/nextid',
    params: params({ 'vmid?': format.vmid }),
    permission: 'user',
    handle: nextId,
  },
  {
    method: 'GET',
    path: '/cluster/ha/resources',
    params: params({ 'type?': kind }),
    permission: audit,
    handle: () => [],
  },
  {
    method: 'GET',
    path: '/cluster/ha/resources/{sid}',
    params: params({ sid: text() }),
    permission: audit,
    handle: ({ values }) => {
      const sid = values.text('sid');
      throw died(`no such resource '${/^\d+$/.test(sid) ? `vm:${sid}` : sid}'`);
    },
  },
];

function status({ cluster }: Call): unknown {
  const { nodes, options } = cluster;
  const members = nodes.map(({ name, online }, index) => ({
    id: `node/${name}`,
    type: 'node',
    name,
    nodeid: nodes.length > 1 ? index + 1 : 0,
    ip: name === options.node ? options.listen.host : `10.77.0.${201 + index}`,
    local: name === options.node ? 1 : 0,
    online: online ? 1 : 0,
    level: '',
  }));
  // A node of its own is no cluster, and answers with its own row alone.
  if (nodes.length === 1) return members;
  const row = { id: 'cluster', type: 'cluster', name: 'lab', nodes: nodes.length, version: nodes.length };
  // A third vote from outside keeps two nodes quorate when one is down.
  return [{ ...row, quorate: 1 }, ...members];
}

function resources({ cluster, caller, values }: Call): unknown {
  const type = values.maybe('type');
  const guests = cluster.vms
    .all()
    .filter(({ vmid }) => may(caller, `/vms/${vmid}`, ['VM.Audit']))
    .map((stored) => {
      const { cpus, pid: _, ...vm } = vmSummary(cluster, stored);
      return {
        ...vm,
        id: `qemu/${stored.vmid}`,
        type: 'qemu',
        node: stored.node,
        maxcpu: cpus,
        template: stored.conf.options.template === '1' ? 1 : 0,
        maxdisk: 0,
      };
    });
  const nodes = cluster.nodes.map(({ name }) => ({
    ...nodeRow(cluster, name),
    id: `node/${name}`,
    type: 'node',
  }));
  const storages = may(caller, '/storage/local', ['Datastore.Audit', 'Datastore.AllocateSpace'], true)
    ? cluster.nodes.map(({ name }) => ({
        id: `storage/${name}/local`,
        type: 'storage',
        node: name,
        status: 'available',
        plugintype: 'dir',
        ...storageRow,
      }))
    : [];
  return [
    ...(type === undefined || type === 'vm' ? guests : []),
    ...(type === undefined || type === 'node' ? nodes : []),
    ...(type === undefined || type === 'storage' ? storages : []),
  ];
}

function nextId({ cluster, values }: Call): unknown {
  const taken = new Set(cluster.vms.all().map(({ vmid }) => vmid));
  const asked = values.number('vmid');
  if (asked !== undefined) {
    if (taken.has(asked)) throw badParams({ vmid: `VM ${asked} already exists` });
    return String(asked);
  }
  let free = 100;
  while (taken.has(free)) free += 1;
  return String(free);
}
