import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { DrayageError } from '../errors/error.ts';
import { proxmoxError } from './errors.ts';

/** How to reach the API and how to know that it is the right one. */
export interface Access {
  /** `https://host:8006`. */
  readonly endpoint: string;
  /** SHA-256 of the certificate, `AA:BB:...`. Wins over `ca`. */
  readonly fingerprint?: string;
  /** File with the certificate authority. */
  readonly ca?: string;
  /** The value of the Authorization header, made when it is needed; never part of an error. */
  readonly authorization: () => string;
}

export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly body: Buffer;
}

/** Seconds; tests shorten them. */
export interface Patience {
  /** From the first packet to a finished TLS handshake. */
  readonly connect: number;
  /** pveproxy itself gives up on a slow node after 30 s and answers 596; a little longer tells the two apart. */
  readonly answer: number;
}

export type Send = (method: string, path: string, body?: string) => Promise<Answer>;

/** A connection that ended before the server had begun to answer; only these are worth another try. */
export const resetCodes = ['ECONNRESET', 'EPIPE'];

/** Opens connections when they are needed. The certificate is checked before a byte of a request, the token included, is sent. */
export function openConnection(
  access: Access,
  patience: Patience = { connect: 10, answer: 40 },
): { send: Send; close(): void } {
  const url = new URL(access.endpoint);
  const pinned = access.fingerprint?.toUpperCase();
  const tls = {
    minVersion: 'TLSv1.2' as const,
    // Node checks the chain and the name all the same and leaves its verdict in `authorized`; `distrust` reads it
    // before anything is sent, so that the fingerprint of a certificate that is refused can be shown.
    rejectUnauthorized: false,
    // A resumed session would come without a certificate to look at.
    maxCachedSessions: 0,
    ...(access.ca === undefined ? {} : { ca: readAuthority(access.ca) }),
  };
  // pveproxy closes a connection that is idle for 5 s (pve-http-server, AnyEvent.pm), so it is not kept that long.
  const kept = new Agent({ ...tls, keepAlive: true, timeout: 4_000, maxSockets: 4 });
  // A change never goes over a connection that the server may be closing: its outcome would be unknown for nothing.
  const fresh = new Agent({ ...tls, keepAlive: false });

  const send: Send = (method, path, body) =>
    new Promise<Answer>((resolve, reject) => {
      const exchange = request({
        agent: method === 'GET' ? kept : fresh,
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port === '' ? 443 : url.port,
        method,
        path: `${url.pathname.replace(/\/$/, '')}/api2/json${path}`,
      });
      let sent = false;
      const fail = (error: Error) => {
        clearTimeout(limit);
        exchange.destroy();
        reject(error.name === 'DrayageError' ? error : transportFailure(access, method, path, error, sent));
      };
      const noAnswer = (seconds: number) => () =>
        fail(Object.assign(new Error(`no answer for ${seconds} s`), { code: 'ETIMEDOUT' }));
      let limit = setTimeout(noAnswer(patience.connect), patience.connect * 1000);

      const go = (socket: TLSSocket) => {
        clearTimeout(limit);
        const refused = distrust(access, pinned, socket);
        if (refused !== undefined) {
          fail(refused);
          return;
        }
        limit = setTimeout(noAnswer(patience.answer), patience.answer * 1000);
        exchange.setHeader('Authorization', access.authorization());
        exchange.setHeader('Accept', 'application/json');
        if (body !== undefined) {
          exchange.setHeader('Content-Type', 'application/x-www-form-urlencoded');
          exchange.setHeader('Content-Length', Buffer.byteLength(body));
        }
        sent = true;
        exchange.end(body);
      };
      // node:http writes nothing before `end`, and `end` is only called by `go`.
      exchange.once('socket', (socket) => {
        const peer = socket as TLSSocket;
        if (exchange.reusedSocket) go(peer);
        else peer.once('secureConnect', () => go(peer));
      });
      exchange.once('error', fail);
      exchange.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', fail);
        response.once('end', () => {
          clearTimeout(limit);
          resolve({
            status: response.statusCode ?? 0,
            reason: response.statusMessage ?? '',
            body: Buffer.concat(chunks),
          });
        });
      });
    });
  return {
    send,
    close() {
      kept.destroy();
      fresh.destroy();
    },
  };
}

function readAuthority(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw proxmoxError('proxmox/authority', {
      seen: (error as Error).message,
      next: [`scp root@<node>:/etc/pve/pve-root-ca.pem ${file}`],
      cause: error,
    });
  }
}

/** Why the machine at the other end is not trusted; undefined when it is. A pinned fingerprint replaces chain and name. */
function distrust(access: Access, pinned: string | undefined, socket: TLSSocket): DrayageError | undefined {
  const seen = socket.getPeerCertificate().fingerprint256 ?? '(none)';
  const compare =
    'on the node, not over this connection: openssl x509 -fingerprint -sha256 -noout -in /etc/pve/local/pve-ssl.pem   # pveproxy-ssl.pem when there is one';
  if (pinned !== undefined) {
    if (seen === pinned) return undefined;
    return proxmoxError('proxmox/certificate', {
      seen: `${access.endpoint} shows the fingerprint ${seen}; expected is ${pinned}`,
      next: [compare, 'only if it shows the first one: write it as cluster.fingerprint in drayage.yaml'],
    });
  }
  if (socket.authorized) return undefined;
  const why = socket.authorizationError as Error | string | undefined;
  return proxmoxError('proxmox/certificate', {
    seen: `${access.endpoint}: ${typeof why === 'string' ? why : (why?.message ?? 'not verified')}; its fingerprint is ${seen}`,
    next: [
      compare,
      `only if it shows the same: write cluster.fingerprint: "${seen}" in drayage.yaml`,
      'or name the authority that signed it as cluster.ca (on the node: /etc/pve/pve-root-ca.pem)',
    ],
  });
}

function transportFailure(
  access: Access,
  method: string,
  path: string,
  error: Error,
  sent: boolean,
): DrayageError {
  const { code = '' } = error as NodeJS.ErrnoException;
  // A refused connection to a name with several addresses is an AggregateError without a message.
  const seen = `${method} ${path}: ${access.endpoint}: ${error.message || code}`;
  if (sent && method !== 'GET') {
    return proxmoxError('proxmox/outcome-unknown', {
      seen,
      next: ['drayage status', 'drayage apply   # looks first, and goes on'],
      cause: error,
    });
  }
  const { hostname } = new URL(access.endpoint);
  return proxmoxError('proxmox/unreachable', {
    seen,
    next:
      code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? [`getent hosts ${hostname}`, 'correct cluster.endpoint in drayage.yaml, or PROXMOX_VE_ENDPOINT']
        : [`curl --insecure --head ${access.endpoint}`, 'on the node: systemctl status pveproxy'],
    cause: error,
  });
}
