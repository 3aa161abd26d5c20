import { createHash } from 'node:crypto';
import { tofuError } from '../../tofu/errors.ts';
import type { Existing, ExistingVm, TofuMapping, TofuVm } from './fleet.ts';
import { checkMappingId, literal, resourceName } from './names.ts';
import type { Previous } from './previous.ts';
import { type ProviderDialect, vmType } from './provider.ts';
import { type Json, type JsonObject, vmResource } from './vm-resource.ts';

export const stackFile = 'drayage.tf.json';
export const providerFile = 'drayage-provider.tf.json';

export interface StackInput {
  readonly dialect: ProviderDialect;
  /** Address of the API, without /api2/json; absent: it stands in the environment. */
  readonly endpoint?: string;
  /** The folder has no `terraform` and `provider` blocks of its own. */
  readonly withProvider: boolean;
  readonly vms: readonly TofuVm[];
  readonly mappings: readonly TofuMapping[];
  readonly existing: Existing;
  /** What drayage wrote last. */
  readonly previous?: Previous;
}

export interface Stack {
  /** Name -> text. */
  readonly files: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

/**
 * The files of the fleet: the same input gives the same bytes. Pure.
 * @throws tofu/fleet, tofu/mapping-id, tofu/nothing-to-import
 */
export function makeStack(input: StackInput): Stack {
  const { dialect, existing, previous } = input;
  const notes: string[] = [];
  const vms = byName(input.vms);
  const mappings = [...input.mappings].sort((a, b) => compare(a.id, b.id));
  for (const { id } of mappings) checkMappingId(id, 'drayage.yaml');
  const managed = new Map(
    mappings.map(({ id }) => [id, `\${${dialect.mappingType}.${resourceName(id)}.name}`]),
  );
  const imports: Json[] = [];
  const moved: Json[] = [];

  const mappingBodies: Record<string, Json> = {};
  for (const mapping of mappings) {
    const name = resourceName(mapping.id);
    const to = `${dialect.mappingType}.${name}`;
    mappingBodies[name] = mappingResource(mapping);
    const before = previous?.mappingTypes[name];
    if (before !== undefined && before !== dialect.mappingType) moved.push({ from: `${before}.${name}`, to });
    else if (existing.mappings[mapping.id]?.origin === 'imported')
      imports.push({ to, id: literal(mapping.id) });
  }

  const vmBodies: Record<string, Json> = {};
  const outputs: Record<string, Json> = {};
  for (const [name, vm] of vms) {
    const there = existing.vms[String(vm.vmid)];
    if (there === undefined && vm.template === undefined)
      throw tofuError('tofu/nothing-to-import', {
        seen: `${vm.from}: ${vm.host} is VM ${vm.vmid}, without a template to clone; the cluster has no VM ${vm.vmid}`,
        next: [
          'pvesh get /cluster/resources --type vm',
          `give ${vm.host} a template, or take it out of ${vm.from}`,
        ],
      });
    vmBodies[name] = vmResource(vm, there, dialect, (id) => managed.get(id) ?? literal(id));
    if (there?.origin === 'imported')
      imports.push({ to: `${vmType}.${name}`, id: literal(`${there.node}/${vm.vmid}`) });
    outputs[`${name}_ip`] = {
      value: addressOf(name),
      description: literal(`Address of ${vm.host}, as its guest agent tells it; null while it tells none`),
    };
    notes.push(...unmanagedMappings(vm, managed), ...unnamedDevices(vm, there));
  }

  const addresses = [
    ...Object.keys(mappingBodies).map((name) => `${dialect.mappingType}.${name}`),
    ...Object.keys(vmBodies).map((name) => `${vmType}.${name}`),
  ];
  const forgotten = (previous?.addresses ?? []).filter(
    (address) =>
      !addresses.includes(address) && !moved.some((one) => (one as { from: string }).from === address),
  );
  for (const address of forgotten)
    notes.push(`${address} is no longer in the fleet: OpenTofu shall forget it, and leave it in the cluster`);

  const stack: JsonObject = {
    resource: {
      ...(mappings.length === 0 ? {} : { [dialect.mappingType]: mappingBodies }),
      ...(vms.length === 0 ? {} : { [vmType]: vmBodies }),
    },
    ...(imports.length === 0 ? {} : { import: imports }),
    ...(moved.length === 0 ? {} : { moved }),
    // Without `destroy: false`, Terraform would plan to destroy it and OpenTofu to forget it.
    ...(forgotten.length === 0
      ? {}
      : { removed: forgotten.sort(compare).map((from) => ({ from, lifecycle: { destroy: false } })) }),
    ...(vms.length === 0 ? {} : { output: outputs }),
  };
  return {
    files: {
      [stackFile]: stamped(stack),
      ...(input.withProvider ? { [providerFile]: stamped(providerOf(input)) } : {}),
    },
    notes,
  };
}

function mappingResource(mapping: TofuMapping): JsonObject {
  // Proxmox VE gives other characters back in an encoding of its own: they would differ at every plan.
  const plain = mapping.comment === undefined || /^[\x20-\x7e]*$/.test(mapping.comment);
  return {
    name: literal(mapping.id),
    ...(plain && mapping.comment !== undefined ? { comment: literal(mapping.comment) } : {}),
    map: [...mapping.entries]
      .sort((a, b) => compare(a.node, b.node))
      .map(({ node, path }) => ({ node: literal(node), path: literal(path) })),
    lifecycle: { ...(plain ? {} : { ignore_changes: ['comment'] }), prevent_destroy: true },
  };
}

function providerOf({ dialect, endpoint }: StackInput): JsonObject {
  return {
    terraform: {
      required_version: '>= 1.7.0',
      required_providers: { proxmox: { source: 'bpg/proxmox', version: dialect.constraint } },
    },
    // No token and no `insecure`: the token comes from the environment, and the certificate is verified.
    provider: { proxmox: endpoint === undefined ? {} : { endpoint: literal(endpoint) } },
  };
}

/** The first address that is not the guest's own loopback; null, not an error, while the agent reports nothing. */
function addressOf(name: string): string {
  const all = `flatten(${vmType}.${name}.ipv4_addresses)`;
  return `\${try([for address in ${all} : address if !startswith(address, "127.")][0], null)}`;
}

function unmanagedMappings(vm: TofuVm, managed: ReadonlyMap<string, string>): string[] {
  return vm.virtiofs
    .filter(({ mapping }) => !managed.has(mapping))
    .map(
      ({ mapping }) =>
        `${vm.host} uses the mapping ${mapping}, which is neither in drayage.yaml nor in the cluster: it must be there before the plan is applied`,
    );
}

function unnamedDevices(vm: TofuVm, there: ExistingVm | undefined): string[] {
  return (there?.virtiofs ?? []).flatMap(({ mapping }, slot) =>
    vm.virtiofs.some((one) => one.mapping === mapping)
      ? []
      : [
          `${vm.host} has a virtiofs device with the mapping ${mapping}, which ${vm.from} does not name: it is kept. To take it away: qm set ${vm.vmid} --delete virtiofs${slot}`,
        ],
  );
}

function byName(vms: readonly TofuVm[]): [string, TofuVm][] {
  const named = new Map<string, TofuVm>();
  const numbers = new Map<number, TofuVm>();
  for (const vm of vms) {
    const name = resourceName(vm.host);
    const same = named.get(name) ?? numbers.get(vm.vmid);
    if (same !== undefined)
      throw tofuError('tofu/fleet', {
        seen: `${vm.from}: ${vm.host} (VM ${vm.vmid}) and ${same.host} (VM ${same.vmid}) would be one resource`,
        next: ['give each its own name and vmid'],
      });
    named.set(name, vm);
    numbers.set(vm.vmid, vm);
  }
  return [...named].sort(([a], [b]) => compare(a, b));
}

/** By code units: the same on every machine. */
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The text of a file, with a first line that says whose it is and what it holds. */
function stamped(body: JsonObject): string {
  const text = JSON.stringify(body, undefined, 2);
  return `${JSON.stringify({ '//': stamp(text), ...body }, undefined, 2)}\n`;
}

export const stampWords =
  'Made by `drayage tofu generate`. Do not edit: change drayage.yaml or hosts.nix, and generate again.';

export function stamp(text: string): string {
  return `${stampWords} sha256 ${createHash('sha256').update(text).digest('hex')}`;
}
