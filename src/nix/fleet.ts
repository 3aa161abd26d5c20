import { basename } from 'node:path';
import type { z } from 'zod';
import type { VirtiofsCache } from '../proxmox/virtiofs.ts';
import type { Host } from '../ssh/host.ts';
import { controllerHost } from '../ssh/local.ts';
import { nixError } from './errors.ts';
import { evaluate, plainValue } from './evaluate.ts';
import { defaultsSchema, hostSchema, type vmSchema } from './fleet-schema.ts';
import { locate } from './locate.ts';
import { type NixSource, readSource, whereIs } from './source.ts';
import { Computed, type StaticValue, staticValue } from './static-value.ts';
import { bare } from './syntax.ts';

/** One virtiofs device of `proxmox.virtiofs`; what the file does not say is absent. */
export interface FleetVirtiofs {
  /** Id of the directory mapping. Default of the operator's stack: `containers`. */
  readonly mapping: string;
  readonly cache?: VirtiofsCache;
  readonly directIo?: boolean;
  readonly exposeAcl?: boolean;
  readonly exposeXattr?: boolean;
}

export interface FleetNetwork {
  readonly bridge?: string;
  readonly model?: string;
  readonly vlan?: number;
  readonly mac?: string;
}

/** `proxmox` of a host: a virtual machine. */
export interface FleetVm {
  readonly vmid: number;
  /** Name in Proxmox VE; the attribute name when the file gives none. */
  readonly name: string;
  /** Absent: the node of `_proxmox`. */
  readonly node?: string;
  readonly description?: string;
  readonly cores: number;
  /** MiB. */
  readonly memory: number;
  /** As written: `64G`, or another word (`passthrough`) for a disk that is not described. */
  readonly disk: string;
  /** GiB, of a disk that is written as a number with `G`. */
  readonly diskGib?: number;
  /** Absent: `defaultStorage` of `_proxmox`. */
  readonly storage?: string;
  readonly diskInterface?: string;
  readonly bios?: 'seabios' | 'ovmf';
  readonly machine?: string;
  readonly cpuType?: string;
  readonly network?: FleetNetwork;
  /** Absent is another thing than none: the file says nothing of tags. */
  readonly tags?: readonly string[];
  /** Not managed by OpenTofu. Default false. */
  readonly readonly: boolean;
  /** Default true. */
  readonly cloneFromTemplate: boolean;
  /** Default false. */
  readonly ignoreInit: boolean;
  readonly ignoreChangesExtra: readonly string[];
  readonly virtiofs: readonly FleetVirtiofs[];
  /** Names of further keys, which drayage does not know. */
  readonly otherKeys: readonly string[];
}

export interface FleetHost {
  /** Name of the attribute: what identifies the host in the file. */
  readonly attribute: string;
  readonly sshAlias?: string;
  /** The attribute name when the file gives none. */
  readonly hostname: string;
  readonly localIp?: string;
  readonly user?: string;
  /** SSH host key, as in known_hosts without the name. */
  readonly publicKey?: string;
  readonly proxmox?: FleetVm;
  /** `file:line:column` of the host. */
  readonly where: string;
}

/** `_proxmox`: what holds for every virtual machine of the file. */
export interface ProxmoxDefaults {
  /** Address of the API, without port. */
  readonly host: string;
  readonly node: string;
  readonly defaultStorage?: string;
  readonly templateVmid?: number;
}

export interface Fleet {
  readonly source: NixSource;
  /** false: this machine has no Nix, and the values are those that are written out in the file. */
  readonly evaluated: boolean;
  readonly proxmox?: ProxmoxDefaults;
  /** In the order of their names. */
  readonly hosts: readonly FleetHost[];
}

const keysOfHost = ['hostname', 'sshAlias', 'localIp', 'user', 'publicKey', 'proxmox'] as const;

/** Only what is known is evaluated: other keys of a host may need files that are not there. */
const projection = [
  `let plain = ${plainValue};`,
  `known = { ${keysOfHost.map((key) => `${key} = null;`).join(' ')} };`,
  'hostOf = v: if builtins.isAttrs v then plain (builtins.intersectAttrs known v) else builtins.typeOf v;',
  'in fleet: if builtins.isAttrs fleet then',
  'builtins.mapAttrs (name: v: if builtins.substring 0 1 name == "_" then (if name == "_proxmox" then plain v else null) else hostOf v) fleet',
  'else builtins.typeOf fleet',
].join(' ');

/**
 * Reads hosts.nix: with the real Nix of this machine, or, without one, what is written out in the file.
 * @throws nix/unreadable, nix/syntax, nix/host-twice, nix/evaluation, nix/not-static, nix/value
 */
export async function readFleet(file: string, controller: Host = controllerHost()): Promise<Fleet> {
  return fleetOf(await readSource(file), controller);
}

/** The same for a text that may not have been written yet. */
export async function fleetOf(source: NixSource, controller: Host = controllerHost()): Promise<Fleet> {
  refuseTwice(source);
  const evaluated = await evaluate(controller, source, projection);
  const value = evaluated === undefined ? writtenOut(source) : evaluated;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(source, [], `the file is ${String(value)}, not a set of hosts`);
  const entries = Object.entries(value as Record<string, unknown>);
  const defaults = entries.find(([name]) => name === '_proxmox')?.[1];
  return {
    source,
    evaluated: evaluated !== undefined,
    ...(defaults != null && { proxmox: checked(source, ['_proxmox'], defaultsSchema, defaults) }),
    hosts: entries
      .filter(([name]) => !name.startsWith('_'))
      .map(([name, host]) => hostOf(source, name, host))
      .sort((a, b) => (a.attribute < b.attribute ? -1 : 1)),
  };
}

/** @throws nix/host-twice, where the file is a set in which one name has two bindings of its own */
function refuseTwice(source: NixSource): void {
  let root = bare(source.tree);
  while (root.kind === 'let') root = bare(root.body);
  if (root.kind !== 'set') return;
  const places = new Map<string, number>();
  for (const member of root.members) {
    const name = member.kind === 'binding' && member.path.length === 1 ? member.path[0]?.name : undefined;
    if (name === undefined) continue;
    const first = places.get(name);
    if (first !== undefined)
      throw nixError('nix/host-twice', {
        seen: `"${name}" is there already, at ${whereIs(source, first)}`,
        where: whereIs(source, member.start),
        next: ['make one set of the two, or give one of them another name'],
      });
    places.set(name, member.start);
  }
}

function hostOf(source: NixSource, attribute: string, value: unknown): FleetHost {
  const { hostname, sshAlias, localIp, user, publicKey, proxmox } = checked(
    source,
    [attribute],
    hostSchema,
    value,
  );
  return {
    attribute,
    hostname: hostname ?? attribute,
    ...(sshAlias !== undefined && { sshAlias }),
    ...(localIp !== undefined && { localIp }),
    ...(user !== undefined && { user }),
    ...(publicKey !== undefined && { publicKey }),
    ...(proxmox !== undefined && { proxmox: vmOf(attribute, proxmox) }),
    where: whereIs(source, locate(source.tree, [attribute])),
  };
}

const keysOfVm = new Set([
  ...['vmid', 'name', 'node', 'description', 'cores', 'memory', 'disk', 'storage', 'diskInterface', 'bios'],
  ...['machine', 'cpuType', 'network', 'tags', 'readonly', 'cloneFromTemplate', 'ignoreInit'],
  ...['ignoreChangesExtra', 'virtiofs'],
]);

type KnownVm = Omit<FleetVm, 'name' | 'diskGib' | 'otherKeys'>;

function vmOf(attribute: string, vm: z.output<typeof vmSchema>): FleetVm {
  const known = Object.fromEntries(Object.entries(vm).filter(([key]) => keysOfVm.has(key))) as KnownVm;
  const [, gib] = /^(\d+)G$/.exec(vm.disk) ?? [];
  return {
    ...known,
    name: vm.name ?? attribute,
    ...(gib !== undefined && { diskGib: Number(gib) }),
    virtiofs: vm.virtiofs.map((device) => ({
      mapping: device.mapping,
      ...(device.cache !== undefined && { cache: device.cache }),
      ...(device.direct_io !== undefined && { directIo: device.direct_io }),
      ...(device.expose_acl !== undefined && { exposeAcl: device.expose_acl }),
      ...(device.expose_xattr !== undefined && { exposeXattr: device.expose_xattr }),
    })),
    otherKeys: Object.keys(vm).filter((key) => !keysOfVm.has(key)),
  };
}

/** What stands in the file, in the shape in which Nix answers. @throws nix/not-static */
function writtenOut(source: NixSource): unknown {
  const fleet = staticValue(source.tree, source.folder);
  if (!(fleet instanceof Map)) return plain(source, fleet);
  const result: Record<string, unknown> = Object.create(null);
  for (const [name, value] of fleet) {
    if (name.startsWith('_') && name !== '_proxmox') continue;
    const known =
      value instanceof Map && name !== '_proxmox'
        ? new Map(
            keysOfHost.filter((key) => value.has(key)).map((key) => [key, value.get(key) as StaticValue]),
          )
        : value;
    result[name] = plain(source, known);
  }
  return result;
}

function plain(source: NixSource, value: StaticValue): unknown {
  if (value instanceof Computed) {
    throw nixError('nix/not-static', {
      seen: `${value.what} where a value is needed`,
      where: whereIs(source, value.span.start),
      next: ['apt-get install nix-bin   # or any other Nix, on the machine that runs drayage'],
    });
  }
  if (Array.isArray(value)) return value.map((item) => plain(source, item as StaticValue));
  if (value instanceof Map) {
    const result: Record<string, unknown> = Object.create(null);
    for (const [name, inner] of value) result[name] = plain(source, inner);
    return result;
  }
  return value;
}

/** @throws nix/value, with the place of the attribute that is wrong */
function checked<T>(source: NixSource, at: readonly string[], schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = [...at, ...(issue?.path ?? []).filter((part) => typeof part === 'string')];
  throw wrong(source, path, `${path.join('.')}: ${issue?.message ?? 'not as it must be'}`);
}

function wrong(source: NixSource, path: readonly string[], seen: string): Error {
  return nixError('nix/value', {
    seen,
    where: whereIs(source, locate(source.tree, path)),
    next: [`correct ${basename(source.file)}, and run the command again`],
  });
}
