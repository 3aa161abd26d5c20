/**
 * Calls to the lab's API, from inside its network. usage: node in-room.ts device | start | sample STATE_FOLDER
 * `device`: the mapping of the share with prom's entry, and the device of doc2, which must not run. `start`: doc2 starts.
 * `sample`: looks at the mapping and at both markers without a pause until it is told to end, one JSON line for each look.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openProxmox } from '../../../src/proxmox/client.ts';
import { waitForTask } from '../../../src/proxmox/task.ts';
import { apiPort, knownGuests, labPaths, network, nodeName, secondStorage } from '../../room/layout.ts';
import { needRoom } from '../../room/room.ts';
import type { Sample } from './samples.ts';
import { shareOnProm } from './share-in-use.ts';

const [mode = '', folder = ''] = process.argv.slice(2);
const paths = labPaths(folder);
const client = openProxmox({
  endpoint: `https://${network.hosts.prom}:${apiPort}`,
  ca: paths.tls.cert,
  authorization: () => `PVEAPIToken=${readFileSync(paths.token, 'utf8').trim()}`,
});

async function device(): Promise<void> {
  const { vmid } = knownGuests.doc2;
  const map = [`node=${nodeName},path=${shareOnProm}`];
  await client.call('POST', '/cluster/mapping/dir', { id: 'containers', map });
  await client.call('PUT', `/nodes/${nodeName}/qemu/${vmid}/config`, {
    virtiofs0: 'dirid=containers,expose-acl=1',
  });
}

async function start(): Promise<void> {
  const vm = `/nodes/${nodeName}/qemu/${knownGuests.doc2.vmid}`;
  await waitForTask(client, String(await client.call('POST', `${vm}/status/start`, {})), {
    timeoutSeconds: 120,
  });
}

async function sample(): Promise<void> {
  const root = `/proc/${needRoom(paths).init.pid}/root`;
  const markers = {
    prom: join(root, paths.nodeRoot, shareOnProm, '.drayage/share.json'),
    maint: join(root, paths.secondRoot, secondStorage, '.drayage/share.json'),
  };
  let going = true;
  process.once('SIGTERM', () => {
    going = false;
  });
  while (going) {
    const { map } = (await client.get('/cluster/mapping/dir/containers')) as { map: string[] };
    // Between two looks the marker may go from one to the other, never come to the second before it left the first.
    const [maint, prom] = [existsSync(markers.maint), existsSync(markers.prom)];
    const seen: Sample = {
      at: Date.now(),
      map,
      marked: [...(prom ? ['prom'] : []), ...(maint ? ['maint'] : [])],
    };
    process.stdout.write(`${JSON.stringify(seen)}\n`);
  }
}

await ({ device, start, sample }[mode as 'device'] ?? sample)();
client.close();
