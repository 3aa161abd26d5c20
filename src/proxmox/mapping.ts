import { parsePropertyString } from './property-string.ts';

/** One node's entry of a directory mapping. */
export interface MappingEntry {
  readonly node: string;
  readonly path: string;
}

/** `node=prom,path=/nvmeprom/containers`. Keys in the order in which Proxmox VE prints them. */
export function formatMappingEntry(entry: MappingEntry): string {
  return `node=${entry.node},path=${entry.path}`;
}

export function parseMappingEntry(text: string): MappingEntry {
  const { node = '', path = '' } = parsePropertyString(text);
  return { node, path };
}

/**
 * The API call that gives one node its entry and leaves the others as they are. PUT replaces the whole list
 * (pve-manager, PVE/API2/Cluster/Mapping/Dir.pm), so every entry is sent, with the digest that was read; a description
 * that is not sent is kept.
 * @param existing the mapping as it was read; undefined when there is none
 */
export function mappingUpdate(
  id: string,
  existing: { readonly entries: readonly MappingEntry[]; readonly digest: string } | undefined,
  entry: MappingEntry,
  description: string,
) {
  if (existing === undefined) {
    const map = [formatMappingEntry(entry)];
    return {
      map,
      call: { method: 'POST' as const, path: '/cluster/mapping/dir', params: { id, map, description } },
    };
  }
  const known = existing.entries.some((other) => other.node === entry.node);
  const entries = known
    ? existing.entries.map((other) => (other.node === entry.node ? entry : other))
    : [...existing.entries, entry];
  const map = entries.map(formatMappingEntry);
  return {
    map,
    call: {
      method: 'PUT' as const,
      path: `/cluster/mapping/dir/${id}`,
      params: { map, digest: existing.digest },
    },
  };
}
