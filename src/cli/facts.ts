import { type ClusterFacts, noFacts } from '../config/init/facts.ts';
import { parseToken } from '../config/token.ts';
import { openProxmox } from '../proxmox/client.ts';
import { proxmoxReader } from '../proxmox/reader.ts';
import { readPools } from '../proxmox/storage.ts';
import { usageError } from './errors.ts';

/** What a live cluster shows, for `drayage init --from-cluster`. The token comes from the environment. */
export async function readClusterFacts(
  given: { endpoint?: string; fingerprint?: string },
  env: NodeJS.ProcessEnv,
): Promise<ClusterFacts> {
  const endpoint = given.endpoint ?? env.PROXMOX_VE_ENDPOINT;
  if (!endpoint) {
    throw usageError('usage/no-endpoint', {
      seen: 'neither --endpoint nor PROXMOX_VE_ENDPOINT is given',
      next: ['drayage init --from-cluster --endpoint https://192.168.1.12:8006'],
    });
  }
  const token = parseToken(env.PROXMOX_VE_API_TOKEN ?? '', 'the environment variable PROXMOX_VE_API_TOKEN');
  const client = openProxmox({
    endpoint,
    ...(given.fingerprint === undefined ? {} : { fingerprint: given.fingerprint }),
    authorization: () => token.header(),
  });
  try {
    const { cluster } = await proxmoxReader(client).cluster();
    const nodes = cluster.nodes.filter((node) => node.online);
    const datasets = [];
    for (const node of nodes) datasets.push(...(await readPools(client, node.name)));
    return {
      ...noFacts,
      endpoint,
      ...(given.fingerprint === undefined ? {} : { fingerprint: given.fingerprint }),
      nodes: nodes.map(({ name }) => ({ name })),
      vms: cluster.vms.map(({ vmid, name, node }) => ({ vmid, name, node })),
      datasets,
      mappings: cluster.mappings.map(({ id, entries }) => ({ id, entries })),
    };
  } finally {
    client.close();
  }
}
