import type { FleetVirtiofs } from './fleet.ts';
import { addMember, endOfLine, lineEnding, memberOf, ownLine, removeMember, type Splice } from './members.ts';
import { type AttributeSet, bare, type Expression } from './syntax.ts';
import { type NixValue, writeValue } from './write-value.ts';

/** Something in the way of an edit, and where. */
export interface Unclear {
  readonly what: string;
  readonly offset: number;
}

/** `proxmox.virtiofs` as a file has it: nothing, one set, or a list of them. */
type Devices = undefined | Device | readonly Device[];
type Device = { readonly [key: string]: unknown };

/** The keys of a device as the operator's stack names them. */
export function deviceKeys(device: FleetVirtiofs): Record<string, string | boolean> {
  return {
    mapping: device.mapping,
    ...(device.cache !== undefined && { cache: device.cache }),
    ...(device.directIo !== undefined && { direct_io: device.directIo }),
    ...(device.exposeAcl !== undefined && { expose_acl: device.exposeAcl }),
    ...(device.exposeXattr !== undefined && { expose_xattr: device.exposeXattr }),
  };
}

const mappingOf = (device: Device): unknown => device.mapping ?? 'containers';

/** What the value shall be once a device is in it: keys of the device that the file has and the call does not name stay. */
export function withDevice(devices: Devices, device: FleetVirtiofs): Devices {
  const { mapping, ...options } = deviceKeys(device);
  const merged = (each: Device) => (mappingOf(each) === mapping ? { ...each, ...options } : each);
  if (devices === undefined) return { mapping, ...options };
  if (!isList(devices))
    return mappingOf(devices) === mapping ? merged(devices) : [devices, { mapping, ...options }];
  return devices.some((each) => mappingOf(each) === mapping)
    ? devices.map(merged)
    : [...devices, { mapping, ...options }];
}

/** What the value shall be without the device of a mapping; nothing when it was the only one. */
export function withoutDevice(devices: Devices, mapping: string): Devices {
  if (devices === undefined) return undefined;
  if (!isList(devices)) return mappingOf(devices) === mapping ? undefined : devices;
  const left = devices.filter((each) => mappingOf(each) !== mapping);
  return left.length === 0 ? undefined : left;
}

function isList(devices: NonNullable<Devices>): devices is readonly Device[] {
  return Array.isArray(devices);
}

/** The change of the text that brings a device into `proxmox`. */
export function addDevice(text: string, proxmox: AttributeSet, device: FleetVirtiofs): Splice[] | Unclear {
  const keys = deviceKeys(device);
  const member = memberOf(proxmox, 'virtiofs');
  if (member.is === 'unclear') return member;
  if (member.is === 'absent') return [addMember(text, proxmox, 'virtiofs', keys)];
  const value = bare(member.binding.value);
  if (value.kind === 'set') {
    const same = hasMapping(value, device.mapping);
    if (typeof same !== 'boolean') return same;
    if (same) return changeKeys(text, value, keys);
    const { start, end } = member.binding.value;
    return [
      { start, end: start, text: '[ ' },
      { start: end, end, text: ` ${writeValue(keys, 'line')} ]` },
    ];
  }
  if (value.kind !== 'list') return { what: saidOf(value), offset: value.start };
  for (const item of value.items) {
    const set = bare(item);
    if (set.kind !== 'set') return { what: saidOf(set), offset: set.start };
    const same = hasMapping(set, device.mapping);
    if (typeof same !== 'boolean') return same;
    if (same) return changeKeys(text, set, keys);
  }
  return [addItem(text, value, keys)];
}

/** The change of the text that takes the device of a mapping out of `proxmox`. */
export function removeDevice(text: string, proxmox: AttributeSet, mapping: string): Splice[] | Unclear {
  const member = memberOf(proxmox, 'virtiofs');
  if (member.is === 'unclear') return member;
  if (member.is === 'absent') return [];
  const value = bare(member.binding.value);
  const items = value.kind === 'list' ? value.items : [value];
  const found: Expression[] = [];
  for (const item of items) {
    const set = bare(item);
    if (set.kind !== 'set') return { what: saidOf(set), offset: set.start };
    const same = hasMapping(set, mapping);
    if (typeof same !== 'boolean') return same;
    if (same) found.push(item);
  }
  if (found.length === items.length) return [removeMember(text, member.binding)];
  return found.map((item) => removeMember(text, item));
}

/** `a function`, `a number`: what stands where a set was looked for. */
export function saidOf(expression: Expression): string {
  const node = bare(expression);
  if (node.kind === 'computed') return node.what;
  if (node.kind === 'identifier') return `the name "${node.name}"`;
  if (node.kind === 'set') return node.recursive ? 'a `rec` set' : 'a set';
  return node.kind === 'let' ? 'a `let`' : `a ${node.kind}`;
}

function hasMapping(set: AttributeSet, mapping: string): boolean | Unclear {
  if (set.recursive) return { what: 'a `rec` set', offset: set.start };
  const member = memberOf(set, 'mapping');
  if (member.is === 'unclear') return member;
  if (member.is === 'absent') return mapping === 'containers';
  const value = bare(member.binding.value);
  return value.kind === 'string' ? value.value === mapping : { what: saidOf(value), offset: value.start };
}

/** One splice for each key that is another one; what the call does not name stays. */
function changeKeys(
  text: string,
  set: AttributeSet,
  keys: Readonly<Record<string, string | boolean>>,
): Splice[] | Unclear {
  const splices: Splice[] = [];
  const added: Record<string, NixValue> = {};
  for (const [key, wanted] of Object.entries(keys)) {
    const member = memberOf(set, key);
    if (member.is === 'unclear') return member;
    if (member.is === 'absent') {
      if (key !== 'mapping') added[key] = wanted;
      continue;
    }
    const value = bare(member.binding.value);
    const there = writtenValue(value);
    if (there === undefined) return { what: saidOf(value), offset: value.start };
    if (there === wanted) continue;
    splices.push({ start: value.start, end: value.end, text: writeValue(wanted, 'line') });
  }
  // All behind the last one, in their order.
  const places = Object.entries(added).map(([key, wanted]) => addMember(text, set, key, wanted));
  const [first] = places;
  if (first !== undefined) splices.push({ ...first, text: places.map((place) => place.text).join('') });
  return splices;
}

function writtenValue(value: Expression): string | boolean | undefined {
  if (value.kind === 'string') return value.value;
  if (value.kind !== 'identifier' || !['true', 'false'].includes(value.name)) return undefined;
  return value.name === 'true';
}

function addItem(
  text: string,
  list: Extract<Expression, { kind: 'list' }>,
  keys: Readonly<Record<string, string | boolean>>,
): Splice {
  const item = writeValue(keys, 'line');
  const last = list.items.at(-1);
  if (last === undefined) {
    const at = list.start + 1;
    return { start: at, end: at, text: ` ${item}${text[at] === ']' ? ' ' : ''}` };
  }
  const indent = ownLine(text, last.start);
  const lineEnd = endOfLine(text, last.end);
  if (indent === undefined || lineEnd === undefined)
    return { start: last.end, end: last.end, text: ` ${item}` };
  return { start: lineEnd, end: lineEnd, text: `${lineEnding(text)}${indent}${item}` };
}
