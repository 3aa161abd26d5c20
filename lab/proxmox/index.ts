/**
 * The Proxmox VE 9.1 API of one node, as far as drayage and its lab need it: the same parameters, errors,
 * traps and tasks. Machines are run by what implements `Machines` (lab/qemu/).
 *
 *   const api = await startProxmox({ node: 'prom', listen: { host: '10.77.0.1', port: 8006 }, ... });
 *   api.url           https://10.77.0.1:8006 (port 0 picks a free one)
 *   api.fingerprint   SHA-256 of the certificate, `AA:BB:...`, for pinning
 *   await api.close() ends tasks and connections; machines keep running
 *
 * `tls.key` and `tls.cert` are PEM texts, or paths of PEM files. VM configurations are read from
 * stateFolder/nodes/NODE/qemu-server/VMID.conf at each request: write them before, in PVE's own format.
 * Beside them: stateFolder/mapping/directory.cfg, stateFolder/tasks/UPID (logs) and stateFolder/faults.json
 * (`injectFault` in fault-injection.ts, from any process). `recordFile` gets one JSON line for each request;
 * `checkRequestAgainstSchema` in schema-check.ts holds such lines against the official schema.
 *
 * Known differences from a real node: this process answers for every node that is online (a VM that was
 * migrated offline starts here too, by its new node's mapping); devices are never hot-plugged, so a change of
 * net, disks, memory or cpu of a running VM stays pending; only stopped VMs are cloned or migrated, and a
 * migration moves the configuration alone, its disks stay in imagesFolder; snapshots are listed in a
 * configuration but not made; suspend, console, backup, storage and user administration answer 501.
 */
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ProxmoxOptions } from '../contracts.ts';
import type { Cluster, ProxmoxTuning } from './endpoint.ts';
import { createApiServer } from './http.ts';
import { createTaskRunner } from './task-runner.ts';
import { createVmLocks } from './vm-locks.ts';
import { createVmStore } from './vm-store.ts';

/** A running emulator. */
export interface ProxmoxApi {
  url: string;
  fingerprint: string;
  close(): Promise<void>;
}

export async function startProxmox(options: ProxmoxOptions & ProxmoxTuning): Promise<ProxmoxApi> {
  const [key, cert] = [pem(options.tls.key), pem(options.tls.cert)];
  const nodes = [{ name: options.node, online: true }, ...(options.otherNodes ?? [])];
  for (const folder of ['tasks', 'mapping', `nodes/${options.node}/qemu-server`])
    mkdirSync(join(options.stateFolder, folder), { recursive: true });
  const fingerprint = new X509Certificate(cert).fingerprint256;
  const cluster: Cluster = {
    options,
    vms: createVmStore(
      options.stateFolder,
      nodes.map(({ name }) => name),
    ),
    tasks: createTaskRunner(join(options.stateFolder, 'tasks')),
    locks: createVmLocks(options.lockTimeoutMs ?? 10_000),
    fingerprint,
    certificate: cert,
    mappingFile: join(options.stateFolder, 'mapping', 'directory.cfg'),
    nodes,
    rootOf: (node) => options.nodeRoots?.[node] ?? options.nodeRoot,
  };
  const server = createApiServer(cluster, { key, cert });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listen.port, options.listen.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${options.listen.host}:${port}`,
    fingerprint,
    async close() {
      await cluster.tasks.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const pem = (text: string): string => (text.includes('-----BEGIN') ? text : readFileSync(text, 'utf8'));
