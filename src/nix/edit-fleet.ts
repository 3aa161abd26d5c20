import { resolve } from 'node:path';
import type { Host } from '../ssh/host.ts';
import { controllerHost } from '../ssh/local.ts';
import { nixError } from './errors.ts';
import { findHost, namesOf } from './find-host.ts';
import { type Fleet, type FleetVirtiofs, fleetOf } from './fleet.ts';
import { addMember, memberOf, type Splice, spliced } from './members.ts';
import { anything, type Intent, proveEdit } from './prove-edit.ts';
import { type NixSource, readSource, sourceOf, whereIs } from './source.ts';
import { type AttributeSet, bare } from './syntax.ts';
import {
  addDevice,
  deviceKeys,
  removeDevice,
  saidOf,
  type Unclear,
  withDevice,
  withoutDevice,
} from './virtiofs-edit.ts';
import { NixCode, type NixValue, writeMember, writeValue } from './write-value.ts';

/** A change of hosts.nix. `host` is any name of a host (see `findHost`). */
export type FleetEdit =
  | { readonly kind: 'share'; readonly host: string; readonly device: FleetVirtiofs }
  | { readonly kind: 'unshare'; readonly host: string; readonly mapping: string }
  | {
      readonly kind: 'set';
      readonly host: string;
      readonly key: 'localIp' | 'publicKey' | 'sshAlias' | 'hostname';
      readonly value: string;
    }
  | {
      readonly kind: 'host';
      readonly attribute: string;
      readonly values: Readonly<Record<string, NixValue>>;
    };

/** A changed text that is proven and not written yet. */
export interface EditedFleet {
  readonly before: NixSource;
  readonly after: NixSource;
  /** false: the file is already so. */
  readonly changed: boolean;
  /** Nix evaluated both texts; else they were compared by what is written out in them. */
  readonly evaluated: boolean;
  /** `doc2.proxmox.virtiofs` */
  readonly attribute: string;
}

/**
 * Changes the text of hosts.nix at one place, by its syntax, and proves that nothing but the intended attribute becomes
 * another value. Writes nothing.
 * @throws nix/not-editable with the text to paste and the place; nix/no-host, nix/taken, nix/other-difference
 */
export async function editFleet(
  file: string,
  edit: FleetEdit,
  controller: Host = controllerHost(),
): Promise<EditedFleet> {
  return editSource(await readSource(file), edit, controller);
}

/** The same for a text that is in memory, so that one edit may follow another. */
export async function editSource(
  before: NixSource,
  edit: FleetEdit,
  controller: Host = controllerHost(),
): Promise<EditedFleet> {
  const fleet = await fleetOf(before, controller);
  const { splices, intent } = edit.kind === 'host' ? newHost(fleet, edit) : changeOf(fleet, edit);
  const after = sourceOf(before.file, spliced(before.text, splices));
  const evaluated = await proveEdit(controller, before, after, intent);
  return {
    before,
    after,
    changed: after.text !== before.text,
    evaluated,
    attribute: intent.path.join('.'),
  };
}

interface Change {
  readonly splices: readonly Splice[];
  readonly intent: Intent;
}

/** Where a text is to be pasted by hand, and the text. */
interface ByHand {
  readonly into: string;
  readonly snippet: string;
}

function changeOf(fleet: Fleet, edit: Exclude<FleetEdit, { kind: 'host' }>): Change {
  const { source } = fleet;
  const host = findHost(fleet, edit.host);
  const byHand = byHandOf(edit, host.attribute);
  const set = innerSet(source, rootSet(source, byHand), host.attribute, byHand);
  if (edit.kind === 'set') {
    const intent = { path: [host.attribute, edit.key], value: () => edit.value };
    return { splices: setText(source, set, edit, byHand), intent };
  }
  const path = [host.attribute, 'proxmox', 'virtiofs'];
  const proxmox = innerSet(source, set, 'proxmox', byHand);
  const splices =
    edit.kind === 'share'
      ? addDevice(source.text, proxmox, edit.device)
      : removeDevice(source.text, proxmox, edit.mapping);
  if (!Array.isArray(splices)) throw notEditable(source, splices as Unclear, byHand);
  const value = (devices: unknown) =>
    edit.kind === 'share'
      ? withDevice(devices as Parameters<typeof withDevice>[0], edit.device)
      : withoutDevice(devices as Parameters<typeof withoutDevice>[0], edit.mapping);
  return { splices, intent: { path, value } };
}

function byHandOf(edit: Exclude<FleetEdit, { kind: 'host' }>, attribute: string): ByHand {
  if (edit.kind === 'set') return { into: attribute, snippet: writeMember(edit.key, edit.value, 'line') };
  if (edit.kind === 'unshare')
    return {
      into: `${attribute}.proxmox`,
      snippet: `# without the virtiofs device of mapping ${JSON.stringify(edit.mapping)}`,
    };
  const layout = { indent: '', unit: '  ', eol: '\n' };
  return {
    into: `${attribute}.proxmox`,
    snippet: writeMember('virtiofs', deviceKeys(edit.device), layout),
  };
}

/** The set that a file is, below the `let` around it. */
function rootSet(source: NixSource, byHand: ByHand): AttributeSet {
  let node = bare(source.tree);
  while (node.kind === 'let') node = bare(node.body);
  if (node.kind === 'set' && !node.recursive) return node;
  throw notEditable(source, { what: saidOf(node), offset: node.start }, byHand);
}

/** The set that an attribute is. */
function innerSet(source: NixSource, outer: AttributeSet, name: string, byHand: ByHand): AttributeSet {
  const member = memberOf(outer, name);
  if (member.is === 'unclear') throw notEditable(source, member, byHand);
  if (member.is === 'absent')
    throw notEditable(source, { what: `a set without "${name}"`, offset: outer.start }, byHand);
  const value = bare(member.binding.value);
  if (value.kind === 'set' && !value.recursive) return value;
  throw notEditable(source, { what: saidOf(value), offset: value.start }, byHand);
}

function setText(
  source: NixSource,
  set: AttributeSet,
  edit: { readonly key: string; readonly value: string },
  byHand: ByHand,
): Splice[] {
  const member = memberOf(set, edit.key);
  if (member.is === 'unclear') throw notEditable(source, member, byHand);
  if (member.is === 'absent') {
    // The host's own keys stay together, before the set of its virtual machine.
    const plain = set.members.filter((each) => each.kind === 'binding' && bare(each.value).kind !== 'set');
    const before = plain.length === 0 ? set : { ...set, members: plain };
    return [addMember(source.text, before, edit.key, edit.value)];
  }
  const value = bare(member.binding.value);
  if (value.kind !== 'string')
    throw notEditable(source, { what: saidOf(value), offset: value.start }, byHand);
  if (value.value === edit.value) return [];
  return [{ start: value.start, end: value.end, text: writeValue(edit.value, 'line') }];
}

function newHost(fleet: Fleet, edit: Extract<FleetEdit, { kind: 'host' }>): Change {
  const { source } = fleet;
  refuseTaken(fleet, edit);
  const byHand = {
    into: 'the set of all hosts',
    snippet: writeMember(edit.attribute, edit.values, { indent: '', unit: '  ', eol: '\n' }),
  };
  const root = rootSet(source, byHand);
  const member = memberOf(root, edit.attribute);
  if (member.is === 'unclear') throw notEditable(source, member, byHand);
  if (member.is === 'binding')
    throw notEditable(source, { what: `"${edit.attribute}" already`, offset: member.binding.start }, byHand);
  return {
    splices: [addMember(source.text, root, edit.attribute, edit.values, areApart(source.text, root))],
    intent: { path: [edit.attribute], value: () => intended(edit.values, source.folder) },
  };
}

/** Names and numbers of a new host must be its own. @throws nix/taken */
function refuseTaken(fleet: Fleet, { attribute, values }: Extract<FleetEdit, { kind: 'host' }>): void {
  const proxmox = values.proxmox as Readonly<Record<string, NixValue>> | undefined;
  const names = [attribute, values.sshAlias, values.hostname, proxmox?.name];
  for (const host of fleet.hosts) {
    const name = names.find((each) => typeof each === 'string' && namesOf(host).includes(each));
    const vmid = host.proxmox?.vmid;
    if (name === undefined && (vmid === undefined || vmid !== proxmox?.vmid)) continue;
    throw nixError('nix/taken', {
      seen:
        name === undefined
          ? `vmid ${vmid} is that of ${host.attribute}`
          : `"${String(name)}" is a name of ${host.attribute}`,
      where: host.where,
      next: [name === undefined ? 'choose another vmid' : 'choose another name'],
    });
  }
}

/** The hosts of the file have empty lines between them. */
function areApart(text: string, root: AttributeSet): boolean {
  const [last, before] = [root.members.at(-1), root.members.at(-2)];
  if (last === undefined || before === undefined) return true;
  return /\n[ \t]*\r?\n/.test(text.slice(before.end, last.start));
}

/** A value that is to be written, as evaluation gives it back. */
function intended(value: NixValue, folder: string): unknown {
  if (value instanceof NixCode) return value.text.startsWith('.') ? resolve(folder, value.text) : anything;
  if (Array.isArray(value)) return value.map((item) => intended(item, folder));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, intended(inner, folder)]));
}

function notEditable(source: NixSource, unclear: Unclear, { into, snippet }: ByHand): Error {
  const where = whereIs(source, unclear.offset);
  return nixError('nix/not-editable', {
    seen: `${unclear.what} where a plain set or value was looked for`,
    where,
    next: [`write this yourself into ${into}, at ${where}:\n${snippet}`],
  });
}
