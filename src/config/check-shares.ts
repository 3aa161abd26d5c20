import { type Checked, twice } from './check-common.ts';
import type { Config, ShareConfig } from './config.ts';
import { overlap, systemFolder } from './path.ts';
import { pathText, quoted, type RawProblem } from './problem.ts';
import { mappingId } from './schema.ts';
import type { YamlTree } from './yaml.ts';

/** Shares among themselves, and each on its node: one dataset, one path, one mapping id for each. */
export function checkShares({ config, tree }: Checked): RawProblem[] {
  const shares = Object.values(config.shares);
  const problems = shares.flatMap((share) => [
    ...checkMappingDefault(share, tree),
    ...checkPath(share, tree),
    ...checkMount(share, tree),
    ...checkMaintenance(share, config, tree),
  ]);
  problems.push(
    ...twice(
      shares.map((share) => ({ value: share.mapping, path: ['shares', share.name, 'mapping'] })),
      (other) =>
        `a mapping id of its own: an id is one share in the whole cluster, and ${other} has this one`,
      tree,
    ),
  );
  for (const [i, share] of shares.entries())
    for (const earlier of shares.slice(0, i)) {
      if (earlier.node !== share.node) continue;
      if (earlier.dataset === share.dataset)
        problems.push({
          offset: tree.valueAt(['shares', share.name, 'dataset']),
          what: `the shares ${earlier.name} and ${share.name} have the same dataset on ${share.node}`,
          write: 'a dataset of its own, or one share with several moves in it (`as:`)',
        });
      else if (overlap(earlier.path, share.path))
        problems.push({
          offset: tree.valueAt(['shares', share.name, 'path']),
          what: `the shares ${earlier.name} (${quoted(earlier.path)}) and ${share.name} (${quoted(share.path)}) lie in each other on ${share.node}`,
          write: '`path:` with a mount point outside of the other share',
        });
    }
  return problems;
}

/** The schema has seen a mapping id that is written, but not the name of the share that stands in for it. */
function checkMappingDefault(share: ShareConfig, tree: YamlTree): RawProblem[] {
  if (tree.has(['shares', share.name, 'mapping'])) return [];
  const result = mappingId.safeParse(share.mapping);
  if (result.success) return [];
  return [
    {
      offset: tree.keyAt(['shares', share.name]),
      what: `the name of the share ${quoted(share.name)} cannot be its mapping id`,
      write: `\`mapping:\` with ${result.error.issues[0]?.message}`,
    },
  ];
}

function checkPath(share: ShareConfig, tree: YamlTree): RawProblem[] {
  const at = ['shares', share.name, 'path'];
  if (systemFolder(share.path))
    return [
      {
        offset: tree.valueAt(at),
        what: `${pathText(at)} is ${quoted(share.path)}, a directory of the node's own system`,
        write: `${quoted(`/${share.dataset}`)}, or another place of its own`,
      },
    ];
  if (`/${share.dataset}`.startsWith(`${share.path}/`))
    return [
      {
        offset: tree.valueAt(at),
        what: `${pathText(at)} is ${quoted(share.path)}, where the parent of the dataset ${share.dataset} is mounted by default`,
        write: `${quoted(`/${share.dataset}`)}, or another place of its own`,
      },
    ];
  return [];
}

function checkMount(share: ShareConfig, tree: YamlTree): RawProblem[] {
  const at = ['shares', share.name, 'mount'];
  // A mount that follows from a source path is told of there.
  if (!tree.has(at) || !systemFolder(share.mount)) return [];
  return [
    {
      offset: tree.valueAt(at),
      what: `the share ${share.name} would be mounted over ${quoted(share.mount)}, a directory of the guest's own system`,
      write: `mount: /mnt/${share.mapping}`,
    },
  ];
}

/** Places of the share on other nodes. */
function checkMaintenance(share: ShareConfig, config: Config, tree: YamlTree): RawProblem[] {
  const nodes = Object.keys(config.nodes);
  return Object.values(share.maintenance).flatMap((place) => {
    const at = ['shares', share.name, 'maintenance', place.node];
    if (place.node === share.node)
      return [
        {
          offset: tree.keyAt(at),
          what: `${pathText(at)} is the node that the share ${share.name} is on anyway`,
          write: 'another node',
        },
      ];
    if (!nodes.includes(place.node))
      return [
        {
          offset: tree.keyAt(at),
          what: `${pathText(at)} is not among nodes: ${nodes.join(', ')}`,
          write: `the name of a node, or an entry for ${place.node} below nodes`,
        },
      ];
    if (systemFolder(place.path))
      return [
        {
          offset: tree.keyAt(at),
          what: `${pathText([...at, 'path'])} is ${quoted(place.path)}, a directory of the node's own system`,
          write: 'a directory of its own',
        },
      ];
    return [];
  });
}
