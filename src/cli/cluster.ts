import type { ClusterApi } from '../apply/world.ts';
import type { Config } from '../config/config.ts';
import { readToken } from '../config/token.ts';
import { DrayageError } from '../errors/error.ts';
import { openProxmox, type ProxmoxClient } from '../proxmox/client.ts';
import { waitForTask } from '../proxmox/task.ts';
import { usageError } from './errors.ts';

/** Opens the API that the configuration, or the environment, names. */
export function openCluster(config: Config, env: NodeJS.ProcessEnv): ProxmoxClient {
  const { endpoint, fingerprint, ca } = config.cluster;
  if (endpoint === undefined) {
    throw usageError('usage/no-endpoint', {
      seen: `cluster.endpoint is not set in ${config.file}, and PROXMOX_VE_ENDPOINT is not either`,
      next: ['export PROXMOX_VE_ENDPOINT=https://192.168.1.12:8006'],
    });
  }
  const token = readToken(config, env);
  return openProxmox({
    endpoint,
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(ca === undefined ? {} : { ca }),
    authorization: () => token.header(),
  });
}

/** The client as `apply/` uses it: what does not exist is undefined. */
export function clusterApi(client: ProxmoxClient): ClusterApi {
  return {
    async get(path) {
      try {
        return await client.get(path);
      } catch (error) {
        if (error instanceof DrayageError && error.code === 'proxmox/not-found') return undefined;
        throw error;
      }
    },
    call: (method, path, params) => client.call(method, path, params),
    waitForTask: (upid, options) => waitForTask(client, upid, options),
  };
}
