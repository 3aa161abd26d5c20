import { connect } from 'node:tls';
import { proxmoxError } from './errors.ts';

const handshakeMs = 10_000;

/**
 * The certificate of the API in PEM, when it has this SHA-256 fingerprint: for programs that take an authority and no
 * fingerprint. @throws proxmox/certificate, proxmox/unreachable
 */
export function pinnedCertificate(endpoint: string, fingerprint: string): Promise<string> {
  const url = new URL(endpoint);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    // Nothing is sent over it: it is opened to look at the certificate.
    const socket = connect({
      host,
      port: Number(url.port || 443),
      rejectUnauthorized: false,
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    });
    const fail = (seen: string) => {
      socket.destroy();
      reject(proxmoxError('proxmox/unreachable', { seen, next: [`curl --insecure --head ${endpoint}`] }));
    };
    socket.setTimeout(handshakeMs, () => fail(`${endpoint}: no answer for ${handshakeMs / 1000} s`));
    socket.once('error', (error) => fail(`${endpoint}: ${error.message}`));
    socket.once('secureConnect', () => {
      const { fingerprint256, raw } = socket.getPeerCertificate();
      socket.destroy();
      if (fingerprint256 !== fingerprint.toUpperCase()) {
        reject(
          proxmoxError('proxmox/certificate', {
            seen: `${endpoint} shows the fingerprint ${fingerprint256}; expected is ${fingerprint}`,
            next: ['drayage inspect'],
          }),
        );
        return;
      }
      const base64 = raw.toString('base64').replace(/(.{64})/g, '$1\n');
      resolve(`-----BEGIN CERTIFICATE-----\n${base64.trimEnd()}\n-----END CERTIFICATE-----\n`);
    });
  });
}
