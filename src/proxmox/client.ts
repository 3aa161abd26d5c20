import { z } from 'zod';
import type { DrayageError } from '../errors/error.ts';
import { type Access, type Answer, openConnection, type Send } from './connection.ts';
import { proxmoxError } from './errors.ts';

export type Params = Readonly<Record<string, string | number | readonly string[]>>;

/** The Proxmox VE API. Answers are `data` of the envelope; errors are DrayageErrors with Proxmox's own words. */
export interface ProxmoxClient {
  readonly endpoint: string;
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

export function openProxmox(access: Access): ProxmoxClient {
  const { send, close } = openConnection(access);
  return {
    endpoint: access.endpoint,
    async get(path) {
      return read(await patient(send, path), 'GET', path);
    },
    async call(method, path, params) {
      const text = encode(params);
      // DELETE takes its parameters in the query and answers 501 to a body (pve-http-server, AnyEvent.pm).
      const answer =
        method === 'DELETE'
          ? await send(method, text === '' ? path : `${path}?${text}`)
          : await send(method, path, text);
      return read(answer, method, path);
    },
    close,
  };
}

/** A kept connection may be closed by the server just as it is used again: a GET is then asked once more. */
async function patient(send: Send, path: string): Promise<Answer> {
  try {
    return await send('GET', path);
  } catch (error) {
    const cause = (error as Error).cause as { code?: string } | undefined;
    if (cause?.code !== 'ECONNRESET' && cause?.code !== 'EPIPE') throw error;
    return send('GET', path);
  }
}

/** A list repeats its key. URLSearchParams escapes `=`, at which the server's decoder would cut a value short. */
function encode(params: Params): string {
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    for (const one of typeof value === 'object' ? value : [value]) form.append(key, String(one));
  }
  return form.toString();
}

function read(answer: Answer, method: string, path: string): unknown {
  const parsed = parse(answer.body);
  if (answer.status >= 200 && answer.status < 300) {
    if (parsed !== undefined) return parsed.data;
    throw proxmoxError('proxmox/unexpected', {
      seen: `${method} ${path}: ${answer.status} with a body that is not the API's: ${answer.body.toString('utf8', 0, 200)}`,
      next: ['is cluster.endpoint the address of Proxmox VE itself (port 8006)?'],
    });
  }
  throw refusal(answer, parsed, method, path);
}

function parse(body: Buffer): z.infer<typeof envelope> | undefined {
  try {
    return envelope.parse(JSON.parse(body.toString('utf8')));
  } catch {
    return undefined;
  }
}

const notFound =
  /^mapping '.*' not found|does not exist|no such (resource|task|storage|node)|Configuration file '.*' does not exist/i;
const conflict = /detected modified configuration|checksum mismatch/;

function refusal(
  answer: Answer,
  parsed: z.infer<typeof envelope> | undefined,
  method: string,
  path: string,
): DrayageError {
  const text = (parsed?.message ?? answer.reason).trim();
  const seen = `${method} ${path}: ${answer.status} ${text}`;
  const { status } = answer;
  if (status === 401) {
    return proxmoxError('proxmox/unauthorized', {
      seen,
      next: [
        'on the node: pveum user token list USER@REALM',
        'check PROXMOX_VE_API_TOKEN, or cluster.tokenFile',
      ],
    });
  }
  if (status === 403) return proxmoxError('proxmox/permission', { seen, next: grants(text) });
  if (status === 400) {
    const fields = Object.entries(parsed?.errors ?? {}).map(([name, what]) => `${name}: ${what.trim()}`);
    return proxmoxError('proxmox/parameter', { seen: [seen, ...fields].join('\n'), next: ['drayage plan'] });
  }
  if (conflict.test(text))
    return proxmoxError('proxmox/conflict', { seen, next: ['drayage plan', 'drayage apply'] });
  if (notFound.test(text)) return proxmoxError('proxmox/not-found', { seen, next: ['drayage inspect'] });
  // 595 to 599 are AnyEvent::HTTP's own codes, passed on by pveproxy: connect, TLS, body, other.
  if (status >= 595 && status <= 599) {
    return method === 'GET'
      ? proxmoxError('proxmox/unreachable', { seen, next: ['pvecm status', 'drayage inspect'] })
      : proxmoxError('proxmox/outcome-unknown', {
          seen,
          next: ['drayage status', 'drayage apply   # looks first, and goes on'],
        });
  }
  return proxmoxError('proxmox/unexpected', {
    seen,
    next: ['on the node: journalctl --unit pvedaemon --since -5min'],
  });
}

/** `Permission check failed (/vms/101, VM.Config.Disk)` -> the commands that grant it. */
export function grants(text: string): string[] {
  const found = /Permission check failed \(([^,()]+), ([^()]+)\)/.exec(text);
  if (found === null) return ['on the node: pveum user token permissions USER@REALM NAME'];
  const [, path, privileges] = found as unknown as [string, string, string];
  const list = privileges.split(/[|,]\s*/).map((name) => name.trim());
  return [
    `on the node: pveum role add Drayage --privs ${list[0]}   # or: pveum role modify Drayage --append --privs ${list[0]}`,
    `on the node: pveum acl modify ${path} --tokens 'USER@REALM!NAME' --roles Drayage`,
  ];
}
