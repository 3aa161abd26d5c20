import { z } from 'zod';
import {
  type Access,
  type Answer,
  openConnection,
  type Patience,
  resetCodes,
  type Send,
} from './connection.ts';
import { proxmoxError } from './errors.ts';
import { type Refusal, refusalError } from './refusal.ts';

export type Params = Readonly<Record<string, string | number | readonly string[]>>;

/** The Proxmox VE API. Answers are `data` of the envelope; errors are DrayageErrors with Proxmox's own words. */
export interface ProxmoxClient {
  readonly endpoint: string;
  /** `USER@REALM!NAME`: may be shown. */
  readonly tokenId: string;
  /** @throws proxmox/not-found and the other errors of this folder */
  get(path: string): Promise<unknown>;
  /** A task is not waited for: its UPID is returned. */
  call(method: 'POST' | 'PUT' | 'DELETE', path: string, params: Params): Promise<unknown>;
  close(): void;
}

const envelope = z.object({
  data: z.unknown(),
  message: z.string().optional(),
  errors: z.record(z.string(), z.string()).optional(),
});

export function openProxmox(access: Access, patience?: Patience): ProxmoxClient {
  const { send, close } = openConnection(access, patience);
  // `PVEAPIToken=USER@REALM!NAME=SECRET`: what stands before the secret may be shown.
  const [, tokenId = 'USER@REALM!NAME'] = access.authorization().split('=');
  return {
    endpoint: access.endpoint,
    tokenId,
    async get(path) {
      return read(await patient(send, path), { method: 'GET', path, tokenId });
    },
    async call(method, path, params) {
      const text = encode(params);
      // DELETE takes its parameters in the query and answers 501 to a body (pve-http-server, AnyEvent.pm).
      const answer =
        method === 'DELETE'
          ? await send(method, text === '' ? path : `${path}?${text}`)
          : await send(method, path, text);
      return read(answer, { method, path, tokenId });
    },
    close,
  };
}

/** A kept connection may be closed by the server just as it is used again: a GET is then asked once more. */
async function patient(send: Send, path: string): Promise<Answer> {
  try {
    return await send('GET', path);
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    if (!resetCodes.includes(cause?.code ?? '')) throw error;
    return send('GET', path);
  }
}

/** A list repeats its key. URLSearchParams escapes `=`, at which the server's decoder would cut a value short. */
function encode(params: Params): string {
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    // An empty list would vanish from a form, and as JSON it poisons the mapping file.
    if (typeof value === 'object' && value.length === 0) throw new RangeError(`${key}: an empty list`);
    for (const one of typeof value === 'object' ? value : [value]) form.append(key, String(one));
  }
  return form.toString();
}

function read(answer: Answer, asked: Pick<Refusal, 'method' | 'path' | 'tokenId'>): unknown {
  const parsed = parse(answer.body);
  if (answer.status >= 200 && answer.status < 300) {
    if (parsed !== undefined) return parsed.data;
    throw proxmoxError('proxmox/unexpected', {
      seen: `${asked.method} ${asked.path}: ${answer.status} with a body that is not the API's: ${answer.body.toString('utf8', 0, 200)}`,
      next: ['is cluster.endpoint the address of Proxmox VE itself (port 8006)?'],
    });
  }
  throw refusalError(answer, {
    ...asked,
    text: (parsed?.message ?? answer.reason).trim(),
    errors: parsed?.errors ?? {},
  });
}

function parse(body: Buffer): z.infer<typeof envelope> | undefined {
  try {
    return envelope.parse(JSON.parse(body.toString('utf8')));
  } catch {
    return undefined;
  }
}
