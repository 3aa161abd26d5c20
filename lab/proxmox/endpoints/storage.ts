/** /nodes/{node}/storage: the one storage that the lab's disks lie on. */
import { statfsSync } from 'node:fs';
import { may } from '../auth.ts';
import type { Endpoint } from '../endpoint.ts';
import * as format from '../formats.ts';
import { flag, params, text } from '../params.ts';

export const storageEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/nodes/{node}/storage',
    params: params({
      node: format.node,
      'content?': text(),
      'enabled?': flag,
      'format?': flag,
      'storage?': text(),
      'target?': format.node,
    }),
    permission: 'user',
    handle: ({ cluster, caller, values }) => {
      const wanted = values.maybe('storage') ?? 'local';
      const content = format.splitList(values.maybe('content') ?? 'images');
      if (wanted !== 'local' || !content.includes('images')) return [];
      if (!may(caller, '/storage/local', ['Datastore.Audit', 'Datastore.AllocateSpace'], true)) return [];
      const { blocks, bavail, bsize } = statfsSync(cluster.options.stateFolder);
      const [total, avail] = [blocks * bsize, bavail * bsize];
      return [
        {
          ...storageRow,
          type: 'dir',
          active: 1,
          enabled: 1,
          total,
          avail,
          used: total - avail,
          used_fraction: total === 0 ? 0 : (total - avail) / total,
        },
      ];
    },
  },
];

export const storageRow = { storage: 'local', content: 'images', shared: 0 } as const;
