/** /cluster/mapping/dir: directory mappings, with PUT's replacing semantics (pve-manager, PVE/API2/Cluster/Mapping/Dir.pm). */
import { ApiError, badParams, died } from '../api-error.ts';
import { may } from '../auth.ts';
import { type Call, type Cluster, type Endpoint, isOnline } from '../endpoint.ts';
import * as format from '../formats.ts';
import { checkDirectory, entriesFor } from '../mapping-check.ts';
import { list, params, text } from '../params.ts';
import { parsePropertyString } from '../property-string.ts';
import { changeDirMappings, type DirMapping, type DirMappings, readDirMappings } from '../section-config.ts';

const map = list(text({ properties: format.mapEntry }));
const description = text({ maxLength: 4096 });
const seeing = ['Mapping.Modify', 'Mapping.Use', 'Mapping.Audit'];

export const mappingEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/cluster/mapping/dir',
    params: params({ 'check-node?': format.node }),
    permission: 'user',
    handle: listMappings,
  },
  {
    method: 'GET',
    path: '/cluster/mapping/dir/{id}',
    params: params({ id: format.id }),
    permission: { or: seeing.map((privilege) => ({ path: '/mapping/dir/{id}', privileges: [privilege] })) },
    handle: ({ cluster, values }) => {
      const { ids, digest } = readDirMappings(cluster.mappingFile);
      const mapping = ids.get(values.text('id'));
      if (!mapping) throw died(`mapping '${values.text('id')}' not found`);
      return { ...shown(mapping), digest };
    },
  },
  {
    method: 'POST',
    path: '/cluster/mapping/dir',
    params: params({ id: format.id, map, 'description?': description }),
    permission: { path: '/mapping/dir', privileges: ['Mapping.Modify'] },
    handle: create,
  },
  {
    method: 'PUT',
    path: '/cluster/mapping/dir/{id}',
    params: params({
      id: format.id,
      'map?': map,
      'description?': description,
      'delete?': { ...format.idList, maxLength: 4096 },
      'digest?': text({ maxLength: 64 }),
    }),
    permission: { path: '/mapping/dir/{id}', privileges: ['Mapping.Modify'] },
    handle: update,
  },
  {
    method: 'DELETE',
    path: '/cluster/mapping/dir/{id}',
    params: params({ id: format.id }),
    permission: { path: '/mapping/dir', privileges: ['Mapping.Modify'] },
    handle: ({ cluster, values }) =>
      // An unknown id is no error, and nobody looks for VMs that use it.
      change(cluster, 'delete dir mapping failed', ({ ids }) => ids.delete(values.text('id'))),
  },
];

/** A section that was written without `map` has no type either. */
const shown = (mapping: DirMapping) => ({
  ...(mapping.map === undefined ? {} : { type: 'dir', map: mapping.map }),
  ...(mapping.description === undefined ? {} : { description: mapping.description }),
});

function listMappings({ cluster, caller, values }: Call): unknown {
  const checked = values.maybe('check-node');
  const node = checked === 'localhost' ? cluster.options.node : checked;
  if (node !== undefined && !isOnline(cluster, node)) throw new ApiError(595, 'No route to host');
  const { ids, digest } = readDirMappings(cluster.mappingFile);
  return [...ids]
    .filter(([id]) => may(caller, `/mapping/dir/${id}`, seeing, true))
    .map(([id, mapping]) => ({
      id,
      ...shown(mapping),
      digest,
      ...(node === undefined ? {} : { checks: checksOf(cluster, mapping, node) }),
    }));
}

function checksOf(
  cluster: Cluster,
  mapping: DirMapping,
  node: string,
): { severity: string; message: string }[] {
  const entries = entriesFor(mapping, node);
  if (entries.length === 0) return [{ severity: 'warning', message: `No mapping for node ${node}.` }];
  return entries.flatMap(({ path }) => {
    const wrong = checkDirectory(cluster.rootOf(node), path);
    return wrong === undefined ? [] : [{ severity: 'error', message: `Invalid configuration: ${wrong}\n` }];
  });
}

function create({ cluster, values }: Call): null {
  const id = values.text('id');
  const entries = values.list('map') ?? [];
  checkEntries(cluster, entries);
  return change(cluster, 'create directory mapping failed', ({ ids }) => {
    if (ids.has(id)) throw died(`dir ID '${id}' already defined`);
    // An empty list passes, and leaves a section that spoils every later write: a trap of the real API.
    ids.set(id, { map: entries.length > 0 ? entries : undefined, description: values.maybe('description') });
  });
}

function update({ cluster, values }: Call): null {
  const id = values.text('id');
  return change(cluster, 'update directory mapping failed', ({ ids, digest }) => {
    const given = values.maybe('digest');
    if (given !== undefined && given !== '' && given !== digest)
      throw died('detected modified configuration - file changed by other user? Try again.');
    const mapping = ids.get(id);
    if (!mapping) throw died(`dir ID '${id}' does not exist`);
    const entries = values.list('map');
    // Optional in the schema, mandatory in the code.
    if (!entries) throw died("missing value for required option 'map'");
    checkEntries(cluster, entries);
    for (const key of format.splitList(values.maybe('delete') ?? '')) remove(mapping, key, values.has(key));
    mapping.map = entries.length > 0 ? entries : undefined;
    if (values.has('description')) mapping.description = values.text('description');
  });
}

function remove(mapping: DirMapping, key: string, alsoSet: boolean): void {
  if (key !== 'description' && key !== 'map') throw badParams({ delete: `unknown option '${key}'` });
  if (key === 'map') throw died("unable to delete required option 'map'");
  if (alsoSet) throw died(`cannot set and delete property '${key}' at the same time!`);
  mapping.description = undefined;
}

/** Only the entry of the node that serves the request is looked at on disk. */
function checkEntries(cluster: Cluster, entries: readonly string[]): void {
  const count = new Map<string, number>();
  for (const text of entries) {
    const { node, path } = parsePropertyString(text, format.mapEntry);
    const wrong =
      node === cluster.options.node
        ? checkDirectory(cluster.rootOf(cluster.options.node), String(path))
        : undefined;
    if (wrong !== undefined) throw died(wrong);
    count.set(String(node), (count.get(String(node)) ?? 0) + 1);
  }
  for (const [node, times] of count) if (times > 1) throw died(`Node '${node}' is specified ${times} times.`);
}

function change(cluster: Cluster, prefix: string, body: (mappings: DirMappings) => void): null {
  try {
    changeDirMappings(cluster.mappingFile, body);
  } catch (error) {
    if (error instanceof ApiError && error.status === 500) throw died(`${prefix}: ${error.message}`);
    throw error;
  }
  return null;
}
