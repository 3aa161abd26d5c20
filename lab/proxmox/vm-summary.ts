/** What lists and status answers say of a VM. */
import type { Cluster } from './endpoint.ts';
import type { StoredVm } from './vm-store.ts';

export function vmSummary(cluster: Cluster, { vmid, conf: { options } }: StoredVm) {
  const running = cluster.options.machines.running(vmid);
  const maxmem = Number((options.memory ?? '512').replace(/^current=/, '')) * 1024 * 1024;
  return {
    vmid,
    name: options.name ?? `VM ${vmid}`,
    status: running ? 'running' : 'stopped',
    cpus: Number(options.cores ?? 1) * Number(options.sockets ?? 1),
    cpu: 0,
    maxmem,
    mem: running ? maxmem : 0,
    disk: 0,
    diskread: 0,
    diskwrite: 0,
    netin: 0,
    netout: 0,
    uptime: running?.uptimeSeconds ?? 0,
    ...(running ? { pid: running.pid } : {}),
    ...(options.lock === undefined ? {} : { lock: options.lock }),
    ...(options.tags === undefined ? {} : { tags: options.tags }),
    ...(options.template === '1' ? { template: 1 } : {}),
  };
}
