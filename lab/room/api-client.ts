import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { apiPort, type LabPaths, network, nodeName } from './layout.ts';

const envelope = z.object({ data: z.unknown() });
const taskStatus = z.object({ status: z.string(), exitstatus: z.string().optional() });

/** The lab's own calls to its node's API: starting guests is the node's business, as it is for an operator. */
export function apiClient(paths: LabPaths) {
  const ca = readFileSync(paths.tls.cert);
  const token = readFileSync(paths.token, 'utf8').trim();

  const call = (method: 'GET' | 'POST', path: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const asked = request(
        {
          ...{ host: network.hosts.prom, port: apiPort, method, path: `/api2/json${path}`, ca },
          headers: { Authorization: `PVEAPIToken=${token}`, 'Content-Length': 0 },
          timeout: 60_000,
          agent: false,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            if (response.statusCode !== 200)
              reject(
                new Error(`${method} ${path}: ${response.statusCode} ${response.statusMessage}: ${text}`),
              );
            else resolve(envelope.parse(JSON.parse(text)).data);
          });
        },
      );
      asked.on('error', reject);
      asked.on('timeout', () => asked.destroy(new Error(`${method} ${path}: no answer`)));
      asked.end();
    });

  return {
    call,
    /** Starts a guest and waits for the task's end. */
    async startGuest(vmid: number): Promise<void> {
      const upid = z.string().parse(await call('POST', `/nodes/${nodeName}/qemu/${vmid}/status/start`));
      for (;;) {
        const path = `/nodes/${nodeName}/tasks/${encodeURIComponent(upid)}/status`;
        const task = taskStatus.parse(await call('GET', path));
        if (task.status !== 'running') {
          if (task.exitstatus !== 'OK') throw new Error(`starting VM ${vmid}: ${task.exitstatus}`);
          return;
        }
        await sleep(200);
      }
    },
  };
}
