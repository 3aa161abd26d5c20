import type { Existing, ExistingMapping, ExistingVm, Origin, TofuVirtiofs } from './fleet.ts';
import { type MappingType, mappingTypes, vmType } from './provider.ts';
import { stamp, stampWords } from './stack.ts';

/** What a generated file says, read back. */
export interface Previous {
  /** Every resource, and every one that is to be forgotten. */
  readonly addresses: readonly string[];
  /** Every resource. */
  readonly resources: readonly string[];
  /** By the name of the resource. */
  readonly mappingTypes: Readonly<Record<string, MappingType>>;
  /** What it says of what is there: the base where the cluster is not asked. */
  readonly existing: Existing;
}

type Loose = Record<string, unknown>;

/** Whose a file is: drayage's as it was written, drayage's with changes of others, or somebody else's. */
export function ownership(text: string): 'ours' | 'edited' | 'foreign' {
  const parsed = asObject(text);
  const said = parsed?.['//'];
  if (parsed === undefined || typeof said !== 'string' || !said.startsWith(stampWords)) {
    return text.includes(stampWords) ? 'edited' : 'foreign';
  }
  const { '//': _, ...body } = parsed;
  return said === stamp(JSON.stringify(body, undefined, 2)) ? 'ours' : 'edited';
}

/** Reads a generated file back; undefined when it is not one. */
export function readPrevious(text: string): Previous | undefined {
  const parsed = asObject(text);
  if (parsed === undefined) return undefined;
  const resources = object(parsed.resource);
  const types: Record<string, MappingType> = {};
  const imported = list(parsed.import).map((entry) => object(entry).to);
  const origin = (address: string): Origin => (imported.includes(address) ? 'imported' : 'created');
  const forgotten = list(parsed.removed).map((entry) => String(object(entry).from));
  const addresses: string[] = [];
  const mappings: Record<string, ExistingMapping> = {};
  for (const type of mappingTypes)
    for (const [name, value] of Object.entries(object(resources[type]))) {
      const body = object(value);
      const id = unescaped(body.name);
      addresses.push(`${type}.${name}`);
      types[name] = type;
      mappings[id] = {
        id,
        origin: origin(`${type}.${name}`),
        ...(typeof body.comment === 'string' ? { comment: unescaped(body.comment) } : {}),
        entries: list(body.map).map((entry) => {
          const { node, path } = object(entry);
          return { node: unescaped(node), path: unescaped(path) };
        }),
      };
    }
  for (const entry of list(parsed.moved)) {
    const { from, to } = object(entry);
    const [type, name] = String(from).split('.');
    // The state may still have the old name: it goes on being moved.
    if (name !== undefined && mappingTypes.includes(type as MappingType) && addresses.includes(String(to)))
      types[name] = type as MappingType;
  }
  const vms: Record<string, ExistingVm> = {};
  for (const [name, value] of Object.entries(object(resources[vmType]))) {
    const body = object(value);
    const address = `${vmType}.${name}`;
    addresses.push(address);
    vms[String(body.vm_id)] = {
      origin: origin(address),
      name: unescaped(body.name),
      node: unescaped(body.node_name),
      virtiofs: list(body.virtiofs).map((block) => deviceOf(object(block))),
    };
  }
  return {
    addresses: [...forgotten, ...addresses],
    resources: addresses,
    mappingTypes: types,
    existing: { vms, mappings },
  };
}

function deviceOf(block: Loose): TofuVirtiofs {
  const named = /^\$\{[a-z_]+\.(.+)\.name\}$/.exec(String(block.mapping))?.[1];
  const flag = (key: string) => (typeof block[key] === 'boolean' ? (block[key] as boolean) : undefined);
  const [directIo, exposeAcl, exposeXattr] = ['direct_io', 'expose_acl', 'expose_xattr'].map(flag);
  return {
    mapping: named ?? unescaped(block.mapping),
    ...(typeof block.cache === 'string' ? { cache: block.cache } : {}),
    ...(directIo === undefined ? {} : { directIo }),
    ...(exposeAcl === undefined ? {} : { exposeAcl }),
    ...(exposeXattr === undefined ? {} : { exposeXattr }),
  };
}

const unescaped = (value: unknown) => String(value).replace(/([$%])\1\{/g, '$1{');

function asObject(text: string): Loose | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Loose)
      : undefined;
  } catch {
    return undefined;
  }
}

function object(value: unknown): Loose {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Loose) : {};
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
