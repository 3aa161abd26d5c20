/** The HTTPS side: bodies, envelopes, reason phrases, connections (pve-http-server, AnyEvent.pm). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from './api-error.ts';
import { decodeBody, decodeForm } from './body.ts';
import { callerOfRequest, dispatch, type Request } from './dispatch.ts';
import { Answer, type Cluster } from './endpoint.ts';
import { type Fault, holdRequest, takeFault } from './fault-injection.ts';
import type { RawParams } from './params.ts';
import { recordRequest } from './record.ts';

const base = '/api2/json';
const bodyLimit = 512 * 1024;

export function createApiServer(cluster: Cluster, tls: { key: string; cert: string }): Server {
  const server = createServer(tls, (request, response) => {
    void serve(cluster, request, response);
  });
  server.keepAliveTimeout = 5000;
  server.maxRequestsPerSocket = 100;
  return server;
}

interface Outcome {
  status: number;
  reason: string;
  body: string;
}

async function serve(cluster: Cluster, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const method = incoming.method ?? 'GET';
  const [pathname = '', query = ''] = splitOnce(incoming.url ?? '/', '?');
  const path = pathname.startsWith(`${base}/`) ? pathname.slice(base.length).replace(/\/$/, '') : pathname;
  const seen = { tokenid: null as string | null, params: {} as RawParams };
  const { stateFolder } = cluster.options;
  const fault = takeFault(stateFolder, method, path);
  const asked = { method, path, query, isApi: path !== pathname, fault };
  const answered = await answer(cluster, incoming, asked, seen);
  const sent =
    typeof fault?.answer === 'object'
      ? failed(new ApiError(fault.answer.status, fault.answer.message))
      : answered;
  const reset = fault?.answer === 'reset';
  recordRequest(cluster.options.recordFile, {
    time: new Date().toISOString(),
    method,
    path,
    ...seen,
    status: reset ? 0 : sent.status,
  });
  const held = fault?.answer === 'hold' && fault.when === 'after';
  const dropped = held && (await holdRequest(stateFolder, { method, path, performed: true })) === 'drop';
  if (reset || dropped) {
    incoming.socket.destroy();
    return;
  }
  send(incoming, response, sent);
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

interface Asked {
  method: string;
  path: string;
  query: string;
  isApi: boolean;
  /** What stands between the request and the work, or behind it. */
  fault: Fault | undefined;
}

async function answer(
  cluster: Cluster,
  incoming: IncomingMessage,
  { method, path, query, isApi, fault }: Asked,
  seen: { tokenid: string | null; params: RawParams },
): Promise<Outcome> {
  try {
    if (!isApi) throw new ApiError(501, `no such file '${path}'`);
    seen.params = { ...(await readParams(incoming, method)), ...decodeForm(query) };
    const request: Request = { method, path, headers: incoming.headers, params: seen.params };
    const caller = callerOfRequest(cluster, request);
    seen.tokenid = caller.tokenid === '' ? null : caller.tokenid;
    if (fault?.when === 'before' && (await isDropped(cluster, fault, method, path)))
      return failed(new ApiError(500, 'dropped'));
    const data = await dispatch(cluster, caller, request);
    const envelope = data instanceof Answer ? { data: data.data, ...data.beside } : { data: data ?? null };
    return { status: 200, reason: 'OK', body: JSON.stringify(envelope) };
  } catch (error) {
    const known = error instanceof ApiError ? error : new ApiError(500, (error as Error).message);
    if (known.status === 401) await sleep(cluster.options.unauthorizedDelayMs ?? 3000);
    return failed(known);
  }
}

async function isDropped(cluster: Cluster, fault: Fault, method: string, path: string): Promise<boolean> {
  if (fault.answer !== 'hold') return true;
  const { stateFolder } = cluster.options;
  return (await holdRequest(stateFolder, { method, path, performed: false })) === 'drop';
}

/** Parameters of the body. A body without Content-Length is not read: its parameters do not exist. */
async function readParams(incoming: IncomingMessage, method: string): Promise<RawParams> {
  const length = Number(incoming.headers['content-length'] ?? 0);
  if (method === 'GET' || method === 'DELETE') {
    if (length > 0) throw new ApiError(501, `Unexpected content for method '${method}'`);
    return {};
  }
  if (length > bodyLimit) throw new ApiError(501, 'for data too large');
  if (length === 0) return {};
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return decodeBody(incoming.headers['content-type'], Buffer.concat(chunks));
}

function failed({ status, message, errors }: ApiError): Outcome {
  const reason = message.split('\n')[0] ?? '';
  // What authentication refuses has no body.
  if (status === 401) return { status, reason, body: '' };
  const envelope = { data: null, ...(errors ? { errors } : {}), message: `${message.replace(/\n$/, '')}\n` };
  return { status, reason, body: JSON.stringify(envelope) };
}

function send(incoming: IncomingMessage, response: ServerResponse, { status, reason, body }: Outcome): void {
  incoming.resume();
  const content = Buffer.from(body);
  // A reason phrase carries Latin-1 only.
  response.writeHead(status, reason.replace(/[^\t\x20-\x7e\xa0-\xff]/g, '?'), {
    'Content-Type': 'application/json;charset=UTF-8',
    'Content-Length': content.length,
    'Cache-Control': 'max-age=0',
    Server: 'pve-api-daemon/3.0',
    ...(status >= 400 ? { Connection: 'close' } : {}),
  });
  response.end(content);
}
