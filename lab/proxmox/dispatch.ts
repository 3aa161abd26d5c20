/** From a decoded request to an answer, in the order of the real server: who, which endpoint, may, where, are the parameters good. */
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError, badParams, died } from './api-error.ts';
import { authenticate, type Caller, callerOf, checkPermission } from './auth.ts';
import type { Cluster, Endpoint } from './endpoint.ts';
import { accessEndpoints } from './endpoints/access.ts';
import { agentEndpoints } from './endpoints/agent.ts';
import { cloneEndpoints } from './endpoints/clone.ts';
import { clusterEndpoints } from './endpoints/cluster.ts';
import { diskEndpoints } from './endpoints/disks.ts';
import { mappingEndpoints } from './endpoints/mapping.ts';
import { migrateEndpoints } from './endpoints/migrate.ts';
import { nodeEndpoints } from './endpoints/nodes.ts';
import { powerEndpoints } from './endpoints/power.ts';
import { resizeEndpoints } from './endpoints/resize.ts';
import { snapshotEndpoints } from './endpoints/snapshots.ts';
import { storageEndpoints } from './endpoints/storage.ts';
import { taskEndpoints } from './endpoints/tasks.ts';
import { vmConfigEndpoints } from './endpoints/vm-config.ts';
import { type Raw, type RawParams, verify } from './params.ts';

/** All endpoints of the emulator. */
export const endpoints: readonly Endpoint[] = [
  ...accessEndpoints,
  ...nodeEndpoints,
  ...storageEndpoints,
  ...diskEndpoints,
  ...clusterEndpoints,
  ...mappingEndpoints,
  ...vmConfigEndpoints,
  ...powerEndpoints,
  ...cloneEndpoints,
  ...resizeEndpoints,
  ...migrateEndpoints,
  ...agentEndpoints,
  ...snapshotEndpoints,
  ...taskEndpoints,
];

export interface Request {
  method: string;
  /** Below /api2/json, still percent-encoded. */
  path: string;
  headers: IncomingHttpHeaders;
  params: RawParams;
}

const nobody: Caller = callerOf({ id: '', secret: '', privileges: {} });

/** @throws ApiError 401 */
export function callerOfRequest(cluster: Cluster, { method, path, headers }: Request): Caller {
  const found = findEndpoint(method, path);
  return found?.endpoint.permission === 'world' ? nobody : authenticate(headers, cluster.options.tokens);
}

/** Answers a request of a caller. @throws ApiError */
export async function dispatch(cluster: Cluster, caller: Caller, request: Request): Promise<unknown> {
  const { method, path, params } = request;
  const found = findEndpoint(method, path);
  if (!found) throw new ApiError(501, `Method '${method} ${path}' not implemented`);
  const { endpoint, uri } = found;
  const merged = merge(uri, params);
  checkPermission(caller, endpoint.permission, uri);
  if (uri.node !== undefined) checkNode(cluster, uri.node);
  return endpoint.handle({ cluster, caller, values: verify(endpoint.params, merged) });
}

function findEndpoint(
  method: string,
  path: string,
): { endpoint: Endpoint; uri: Record<string, string> } | undefined {
  const parts = path.split('/');
  for (const endpoint of endpoints) {
    const wanted = endpoint.path.split('/');
    if (endpoint.method !== method || wanted.length !== parts.length) continue;
    const uri: Record<string, string> = {};
    const fits = wanted.every((want, index) => {
      const name = /^\{(.+)\}$/.exec(want)?.[1];
      const part = parts[index] ?? '';
      if (name !== undefined) uri[name] = decode(part);
      return name === undefined ? want === part : part !== '';
    });
    if (fits) return { endpoint, uri };
  }
  return undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A path parameter may come again, with the same value only. */
function merge(uri: Record<string, string>, params: RawParams): RawParams {
  const merged: Record<string, Raw> = { ...params };
  for (const [name, value] of Object.entries(uri)) {
    if (params[name] !== undefined && String(params[name]) !== value)
      throw badParams({ [name]: 'duplicate parameter (already defined in URI) with conflicting values!' });
    merged[name] = value;
  }
  return merged;
}

/** A request for another node is passed on to it; this process answers for every node that is up. */
function checkNode(cluster: Cluster, node: string): void {
  if (node === 'localhost') return;
  const member = cluster.nodes.find(({ name }) => name === node);
  if (!member)
    throw died(
      `hostname lookup '${node}' failed - failed to get address info for: ${node}: Name or service not known`,
    );
  if (!member.online) throw new ApiError(595, 'No route to host');
}
