import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSignedCertificate } from '../../lab/proxmox/certificate.ts';

export interface StandIn {
  readonly endpoint: string;
  readonly fingerprint: string;
  /** File with its certificate, for `ca`. */
  readonly caFile: string;
  /** Everything that arrived inside TLS. */
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
  /** Connections whose TLS handshake was done. */
  readonly handshakes: () => number;
  close(): Promise<void>;
}

/** An HTTPS server on 127.0.0.1 with a certificate of its own, which answers as a test says. */
export async function startStandIn(
  answer: (request: StandIn['requests'][number], response: ServerResponse) => void,
  names: readonly string[] = ['127.0.0.1'],
): Promise<StandIn> {
  const { key, cert } = selfSignedCertificate('prom', names);
  const folder = mkdtempSync(join(tmpdir(), 'drayage-api-'));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, cert);
  const requests: StandIn['requests'] = [];
  let handshakes = 0;
  const server = createServer({ key, cert }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
      requests.push(one);
      answer(one, response);
    });
  });
  server.on('secureConnection', () => {
    handshakes += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fingerprint: new X509Certificate(cert).fingerprint256,
    caFile,
    requests,
    handshakes: () => handshakes,
    async close() {
      rmSync(folder, { recursive: true });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers as pveproxy does. */
export function json(response: ServerResponse, data: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8' });
  response.end(JSON.stringify(data));
}
