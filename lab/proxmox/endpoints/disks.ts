/** /nodes/{node}/disks/zfs: the pools of this node (pve-storage, PVE/API2/Disks/ZFS.pm). */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { died } from '../api-error.ts';
import type { Call, Endpoint } from '../endpoint.ts';
import * as format from '../formats.ts';
import { params } from '../params.ts';

const run = promisify(execFile);
const columns = ['name', 'size', 'alloc', 'free', 'frag', 'dedup', 'health'];

export const diskEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/nodes/{node}/disks/zfs',
    params: params({ node: format.node }),
    permission: { path: '/', privileges: ['Sys.Audit'] },
    handle: pools,
  },
];

async function pools({ cluster, values }: Call): Promise<unknown> {
  // Other nodes of the lab have no storage of their own.
  if (![cluster.options.node, 'localhost'].includes(values.text('node'))) return [];
  const [file = '', ...prefix] = cluster.options.zpool ?? ['chroot', cluster.options.nodeRoot, 'zpool'];
  const { stdout } = await run(file, [...prefix, 'list', '-Hpo', columns.join(',')]).catch(() => {
    throw died('zfsutils-linux not installed\n');
  });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const cells = line.split('\t');
      const entries = columns.map((column, i) => {
        const cell = cells[i] ?? '';
        return [column, column === 'name' || column === 'health' ? cell : Number(cell)];
      });
      return Object.fromEntries(entries);
    });
}
