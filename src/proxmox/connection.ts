import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { PeerCertificate, TLSSocket } from 'node:tls';
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

/** pveproxy closes an idle connection after 5 s (pve-http-server, AnyEvent.pm). */
const idleMs = 4_000;
/** pveproxy itself gives up on a slow node after 30 s and answers 596; a little longer tells the two apart. */
const silenceMs = 40_000;

export type Send = (method: string, path: string, body?: string) => Promise<Answer>;

/** Opens the connection lazily. The certificate is checked before a byte of a request, the token included, is sent. */
export function openConnection(access: Access): { send: Send; close(): void } {
  const url = new URL(access.endpoint);
  const pinned = access.fingerprint?.toUpperCase();
  const agent = new Agent({
    keepAlive: true,
    timeout: idleMs,
    maxSockets: 4,
    minVersion: 'TLSv1.2',
    // A pinned fingerprint replaces the chain of trust; `verified` compares it before anything is sent.
    ...(pinned === undefined ? {} : { rejectUnauthorized: false }),
    ...(access.ca === undefined ? {} : { ca: readFileSync(access.ca) }),
  });
  const send: Send = (method, path, body) =>
    new Promise<Answer>((resolve, reject) => {
      const exchange = request({
        agent,
        host: url.hostname,
        port: url.port === '' ? 443 : url.port,
        method,
        path: `${url.pathname.replace(/\/$/, '')}/api2/json${path}`,
        timeout: silenceMs,
      });
      let sent = false;
      const fail = (error: Error) => {
        exchange.destroy();
        reject(failure(access, error, sent && method !== 'GET'));
      };
      const go = (socket: TLSSocket) => {
        const seen = socket.getPeerCertificate().fingerprint256;
        if (pinned !== undefined && seen !== pinned) {
          fail(Object.assign(new Error('fingerprint'), { code: 'ERR_FINGERPRINT', seen }));
          return;
        }
        exchange.setHeader('Authorization', access.authorization());
        exchange.setHeader('Accept', 'application/json');
        if (body !== undefined) {
          exchange.setHeader('Content-Type', 'application/x-www-form-urlencoded');
          exchange.setHeader('Content-Length', Buffer.byteLength(body));
        }
        sent = true;
        exchange.end(body);
      };
      // Headers are set only once the peer is known: node:http writes nothing before `end`.
      exchange.once('socket', (socket) => {
        const tls = socket as TLSSocket;
        if (tls.getPeerCertificate?.()?.fingerprint256 !== undefined) go(tls);
        else tls.once('secureConnect', () => go(tls));
      });
      exchange.once('timeout', () => fail(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
      exchange.once('error', fail);
      exchange.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', fail);
        response.once('aborted', () => fail(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })));
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            reason: response.statusMessage ?? '',
            body: Buffer.concat(chunks),
          }),
        );
      });
    });
  return { send, close: () => agent.destroy() };
}

const untrusted =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|CERT_|ERR_TLS_CERT)/;

function failure(access: Access, error: Error, mayBeDone: boolean): DrayageError {
  const { code = '', seen, cert } = error as Error & { code?: string; seen?: string; cert?: PeerCertificate };
  const compare = 'on the node: openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem';
  if (code === 'ERR_FINGERPRINT') {
    return proxmoxError('proxmox/certificate', {
      seen: `${access.endpoint} has fingerprint ${seen ?? '(none)'}, the configuration says ${access.fingerprint}`,
      next: [compare, 'if the node got a new certificate: correct cluster.fingerprint in drayage.yaml'],
    });
  }
  if (untrusted.test(code)) {
    return proxmoxError('proxmox/certificate', {
      seen: `${access.endpoint}: ${error.message}${cert?.fingerprint256 === undefined ? '' : `; its fingerprint is ${cert.fingerprint256}`}`,
      next: [compare, 'if they are the same: set cluster.fingerprint in drayage.yaml to it'],
    });
  }
  if (mayBeDone) {
    return proxmoxError('proxmox/outcome-unknown', {
      seen: `${access.endpoint}: ${code || error.message}`,
      next: ['drayage status', 'drayage apply   # looks first, and goes on'],
    });
  }
  return proxmoxError('proxmox/unreachable', {
    seen: `${access.endpoint}: ${error.message || code}`,
    next: [`curl --insecure --head ${access.endpoint}`, 'on the node: systemctl status pveproxy'],
    cause: error,
  });
}
