import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, parseConfig } from '../../../src/config/load.ts';
import { readProviderPin } from '../../../src/config/provider-version.ts';
import { type Fleet, readFleet } from '../../../src/nix/fleet.ts';
import { desiredVms } from '../../../src/plan/tofu/desired.ts';
import type { Existing, TofuVm } from '../../../src/plan/tofu/fleet.ts';
import { ownership, readPrevious } from '../../../src/plan/tofu/previous.ts';
import { makeStack, providerFile, type StackInput, stackFile } from '../../../src/plan/tofu/stack.ts';
import { lookAtStack } from '../../../src/stack/files.ts';
import { mappingSchema, otherAttributes, problemsOf, replacing, vmSchema } from './provider-schema.ts';
import { copyOfSample, sampleCluster, sampleFolder } from './sample.ts';

type Loose = Record<string, unknown>;

const folder = copyOfSample();
const config = loadConfig(join(folder, 'drayage.yaml'), {});
let fleet: Fleet;
let files: Record<string, string>;

beforeAll(async () => {
  fleet = await readFleet(join(folder, 'hosts.nix'));
  const look = await lookAtStack({ config, fleet, cluster: sampleCluster });
  files = Object.fromEntries(
    look.stale.map(({ path, text }) => [path.slice(path.lastIndexOf('/') + 1), text]),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const golden = (name: string) => readFileSync(join(sampleFolder, name), 'utf8');
const stack = () => JSON.parse(files[stackFile] as string) as Loose;
const vms = () => ((stack().resource as Loose).proxmox_virtual_environment_vm ?? {}) as Record<string, Loose>;
const mappings = () => (stack().resource as Loose).proxmox_hardware_mapping_dir as Record<string, Loose>;

const ignoredBy = (name: string) =>
  (vms()[name] as { lifecycle: { ignore_changes: string[] } }).lifecycle.ignore_changes;
const reference = (id: string) => `\${proxmox_hardware_mapping_dir.${id}.name}`;

describe('the files of the sample fleet', () => {
  it('are the golden files, byte by byte', () => {
    expect(files[stackFile]).toBe(golden('drayage.tf.json'));
    expect(files[providerFile]).toBe(golden('drayage-provider.tf.json'));
  });

  it('have five virtual machines of eight hosts, and import two', () => {
    expect(fleet.hosts).toHaveLength(8);
    expect(Object.keys(vms())).toEqual(['ledger', 'render', 'render2', 'stack-vm', 'stack2']);
    expect(stack().import).toEqual([
      { to: 'proxmox_hardware_mapping_dir.media', id: 'media' },
      { to: 'proxmox_virtual_environment_vm.render', id: 'alder/109' },
      { to: 'proxmox_virtual_environment_vm.stack-vm', id: 'alder/104' },
    ]);
  });

  it('hold to the documented schema of the provider', () => {
    for (const [name, body] of Object.entries(vms()))
      expect({ name, problems: problemsOf(body, vmSchema) }).toEqual({ name, problems: [] });
    for (const [name, body] of Object.entries(mappings()))
      expect({ name, problems: problemsOf(body, mappingSchema) }).toEqual({ name, problems: [] });
  });

  it('name only attributes of the resource in ignore_changes', () => {
    const known = [...Object.keys(vmSchema), ...otherAttributes];
    for (const body of Object.values(vms()))
      for (const path of (body.lifecycle as Loose).ignore_changes as string[])
        expect(known).toContain(path.split(/[.[]/)[0]);
  });

  it('leave alone, on every machine, what would replace it or start it', () => {
    for (const body of Object.values(vms()))
      expect((body.lifecycle as Loose).ignore_changes).toEqual(
        expect.arrayContaining([...replacing, 'started']),
      );
  });

  it('are safe by default', () => {
    for (const body of Object.values(vms())) {
      expect(body).toMatchObject({
        reboot_after_update: false,
        purge_on_destroy: false,
        delete_unreferenced_disks_on_destroy: false,
        lifecycle: { prevent_destroy: true },
      });
    }
    for (const body of Object.values(mappings()))
      expect(body).toMatchObject({ lifecycle: { prevent_destroy: true } });
    expect(vms()['stack-vm']).toMatchObject({ protection: true });
    expect(vms().stack2).not.toHaveProperty('protection');
  });

  it('clone no machine that is imported, and every other one', () => {
    expect(vms()['stack-vm']).not.toHaveProperty('clone');
    expect(vms().render).not.toHaveProperty('clone');
    for (const name of ['ledger', 'render2', 'stack2'])
      expect(vms()[name]).toMatchObject({ clone: { vm_id: 9003, full: true, retries: 3 } });
  });

  it('say of an imported machine only what the fleet says', () => {
    const { render } = vms();
    expect(render).not.toHaveProperty('on_boot');
    expect(render).not.toHaveProperty('agent');
    expect(render).not.toHaveProperty('network_device');
    expect(render).not.toHaveProperty('disk');
    expect(ignoredBy('render')).toEqual(
      expect.arrayContaining(['on_boot', 'agent', 'network_device', 'disk', 'bios', 'description']),
    );
    expect(ignoredBy('render')).not.toContain('machine');
    expect(ignoredBy('stack-vm')).toContain('cpu[0].units');
  });

  it('keep the entry of every node of a mapping, in one order', () => {
    expect(mappings().media?.map).toEqual([
      { node: 'alder', path: '/tank/media' },
      { node: 'birch', path: '/tank/media' },
    ]);
    expect(mappings().containers?.map).toEqual([{ node: 'alder', path: '/tank/containers' }]);
  });

  it('keep a device that somebody attached by hand, in its slot', () => {
    expect(vms().render?.virtiofs).toEqual([{ mapping: reference('media'), cache: 'auto' }]);
  });

  it('expose xattrs beside ACLs, which the provider refuses at apply only', () => {
    expect(vms().stack2?.virtiofs).toEqual([
      {
        mapping: reference('containers'),
        cache: 'always',
        expose_acl: true,
        expose_xattr: true,
      },
    ]);
    expect(
      problemsOf({ node_name: 'alder', virtiofs: [{ mapping: 'aa', expose_acl: true }] }, vmSchema),
    ).toEqual(['virtiofs[0]: expose_acl needs expose_xattr = true']);
  });

  it('escape what would begin a template', () => {
    expect(vms().stack2?.description).toBe('Costs $${nothing}, 100%%{sure}');
  });

  it('hold neither a token nor a switch that turns the check of the certificate off', () => {
    for (const text of Object.values(files)) expect(text).not.toMatch(/token|insecure/i);
  });

  it('are found to be fresh again, with the cluster and without it', async () => {
    const text = files[stackFile] as string;
    expect(ownership(text)).toBe('ours');
    const again = makeStack({ ...(await inputOf()), existing: readPrevious(text)!.existing });
    expect(again.files[stackFile]).toBe(text);
  });
});

async function inputOf(): Promise<StackInput> {
  const { desiredMappings, existingOf } = await import('../../../src/plan/tofu/desired.ts');
  const names = new Map(
    fleet.hosts.flatMap((h) => (h.proxmox ? [[h.proxmox.vmid, h.attribute] as const] : [])),
  );
  const existing = existingOf(sampleCluster, names, undefined, undefined);
  const wanted = desiredVms(config, fleet, existing);
  return {
    dialect: dialectOf('0.111.1'),
    endpoint: 'https://192.0.2.12:8006',
    withProvider: true,
    vms: wanted,
    mappings: desiredMappings(config, wanted, existing),
    existing,
  };
}

function dialectOf(pin: string) {
  const read = readProviderPin(pin);
  if ('problem' in read) throw new Error(read.problem);
  return read.dialect;
}

const plainVm: TofuVm = {
  host: 'fern',
  from: 'hosts.nix',
  name: 'fern',
  vmid: 130,
  node: 'alder',
  cores: 2,
  memory: 2048,
  template: 9003,
  storage: 'tank',
  defaults: { description: 'fern', tags: [] },
  ignoreInit: false,
  ignore: [],
  virtiofs: [],
  holdsData: false,
};
const nothing: Existing = { vms: {}, mappings: {} };
const make = (given: Partial<StackInput>) =>
  makeStack({
    dialect: dialectOf('0.111.1'),
    withProvider: true,
    vms: [plainVm],
    mappings: [],
    existing: nothing,
    ...given,
  });
const parsed = (given: Partial<StackInput>) => JSON.parse(make(given).files[stackFile] as string);
const previousOf = (given: Partial<StackInput>) => readPrevious(make(given).files[stackFile] as string)!;
const refusal = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    const { code, seen, next, exit } = error as { code: string; seen: string; next: string[]; exit: number };
    return { code, seen, next, exit };
  }
  throw new Error('it was accepted');
};

describe('the dialect of the provider', () => {
  const mapping = [{ id: 'media', entries: [{ node: 'alder', path: '/tank/media' }] }];

  it('has the long name of a mapping before 0.100, and the short one from there on', () => {
    const types = (pin: string) =>
      Object.keys(parsed({ dialect: dialectOf(pin), mappings: mapping }).resource);
    expect(types('~> 0.93.0')).toContain('proxmox_virtual_environment_hardware_mapping_dir');
    expect(types('0.99.9')).toContain('proxmox_virtual_environment_hardware_mapping_dir');
    expect(types('0.100.0')).toContain('proxmox_hardware_mapping_dir');
  });

  it('moves a mapping to its new name instead of making it anew, at every later time too', () => {
    const before = previousOf({ dialect: dialectOf('~> 0.93.0'), mappings: mapping });
    const input = {
      mappings: mapping,
      previous: before,
      existing: { vms: {}, mappings: { media: { ...mapping[0]!, origin: 'imported' as const } } },
    };
    const moved = [
      {
        from: 'proxmox_virtual_environment_hardware_mapping_dir.media',
        to: 'proxmox_hardware_mapping_dir.media',
      },
    ];
    expect(parsed(input)).toMatchObject({ moved });
    expect(parsed(input)).not.toHaveProperty('removed');
    expect(parsed({ ...input, previous: previousOf(input) })).toMatchObject({ moved });
  });

  it('leaves out what an old provider does not know', () => {
    const body = parsed({ dialect: dialectOf('~> 0.80.1') }).resource.proxmox_virtual_environment_vm.fern;
    expect(body).not.toHaveProperty('purge_on_destroy');
    expect(body.lifecycle.prevent_destroy).toBe(true);
  });

  it('writes the pin as it is given', () => {
    const text = make({ dialect: dialectOf('~> 0.93.0') }).files[providerFile] as string;
    expect(JSON.parse(text).terraform.required_providers).toEqual({
      proxmox: { source: 'bpg/proxmox', version: '~> 0.93.0' },
    });
    expect(make({ withProvider: false }).files).not.toHaveProperty(providerFile);
  });
});

describe('a machine that leaves the fleet', () => {
  it('is forgotten, never destroyed, and stays so until it comes back', () => {
    const before = previousOf({ vms: [plainVm, { ...plainVm, host: 'gone', vmid: 131 }] });
    const removed = [{ from: 'proxmox_virtual_environment_vm.gone', lifecycle: { destroy: false } }];
    const after = { previous: before };
    expect(parsed(after)).toMatchObject({ removed });
    expect(make(after).notes.join()).toContain('leave it in the cluster');
    expect(parsed({ previous: previousOf(after) })).toMatchObject({ removed });
    const back = { previous: previousOf(after), vms: [plainVm, { ...plainVm, host: 'gone', vmid: 131 }] };
    expect(parsed(back)).not.toHaveProperty('removed');
  });
});

describe('a machine that OpenTofu has cloned', () => {
  it('keeps its clone block, and is not imported', () => {
    const there = { origin: 'created' as const, name: 'fern', node: 'birch', virtiofs: [] };
    const made = parsed({ existing: { vms: { 130: there }, mappings: {} } });
    expect(made).not.toHaveProperty('import');
    expect(made.resource.proxmox_virtual_environment_vm.fern).toMatchObject({
      clone: { vm_id: 9003 },
      node_name: 'birch',
    });
  });
});

describe('what cannot be written', () => {
  it('is a mapping with an id of more than 36 bytes', () => {
    const virtiofs = [{ mapping: 'a'.repeat(37) }];
    expect(refusal(() => make({ vms: [{ ...plainVm, virtiofs }] }))).toMatchObject({
      code: 'tofu/mapping-id',
      exit: 2,
      seen: expect.stringContaining('has 37 bytes'),
      next: [expect.stringContaining('a shorter id'), 'pvesh get /cluster/mapping/dir'],
    });
  });

  it('is a machine that neither exists nor has a template', () => {
    const { template: _, ...without } = plainVm;
    expect(refusal(() => make({ vms: [without] }))).toMatchObject({
      code: 'tofu/nothing-to-import',
      exit: 5,
      next: [expect.stringContaining('pvesh'), 'give fern a template, or take it out of hosts.nix'],
    });
  });

  it('are two machines with one number, or with names that become one', () => {
    expect(refusal(() => make({ vms: [plainVm, { ...plainVm, host: 'moss' }] })).seen).toContain('VM 130');
    const twice = [
      { ...plainVm, host: 'a.b' },
      { ...plainVm, host: 'a_b', vmid: 131 },
    ];
    expect(refusal(() => make({ vms: twice })).code).toBe('tofu/fleet');
  });

  it('is a ninth share, an attribute that is none, a disk on an unknown bus', () => {
    const virtiofs = Array.from({ length: 9 }, (_, i) => ({ mapping: `share${i}` }));
    expect(refusal(() => make({ vms: [{ ...plainVm, virtiofs }] })).seen).toContain('9 virtiofs devices');
    expect(refusal(() => make({ vms: [{ ...plainVm, ignore: ['a b'] }] })).seen).toContain('"a b"');
    const disk = { gib: 8, interface: 'floppy0' };
    expect(refusal(() => make({ vms: [{ ...plainVm, disk }] })).next).toEqual([
      'write virtioN, scsiN or sataN',
    ]);
  });
});

describe('whose a file is', () => {
  const text = () => files[stackFile] as string;
  it('is known by what it holds, not only by what it says', () => {
    expect(ownership(text())).toBe('ours');
    expect(ownership(text().replace('"vm_id": 114', '"vm_id": 115'))).toBe('edited');
    expect(ownership(`${text().slice(0, -3)},`)).toBe('edited');
    expect(ownership('{"resource":{}}')).toBe('foreign');
    expect(ownership('')).toBe('foreign');
  });
});

describe('a guest of drayage.yaml with `create`', () => {
  const yaml = [
    'nodes: { alder: { ssh: root@192.0.2.12 } }',
    'guests:',
    '  stack1: { vmid: 104, ssh: root@192.0.2.29 }',
    '  moss: { vmid: 131, create: { template: 9003, cores: 2, memory: 4096, tags: [apps], net: { bridge: vmbr1, vlan: 30 } } }',
    '  fern: { create: { template: 9003 } }',
    'shares: {}',
    'moves: {}',
    '',
  ].join('\n');
  const parsedYaml = parseConfig(yaml, '/work/drayage.yaml', {});
  if ('problems' in parsedYaml) throw new Error(JSON.stringify(parsedYaml.problems));
  const there = {
    vms: { 104: { origin: 'imported' as const, name: 'Stack1', node: 'alder', virtiofs: [] } },
    mappings: {},
  };

  it('is cloned as drayage would clone it; one without a number waits for it', () => {
    const wanted = desiredVms(parsedYaml.config, undefined, there);
    expect(wanted.map(({ host }) => host).sort()).toEqual(['moss', 'stack1']);
    const made = parsed({ vms: wanted, existing: there });
    expect(made.resource.proxmox_virtual_environment_vm.moss).toMatchObject({
      node_name: 'alder',
      vm_id: 131,
      clone: { vm_id: 9003 },
      cpu: { cores: 2 },
      memory: { dedicated: 4096 },
      network_device: [{ bridge: 'vmbr1', model: 'virtio', vlan_id: 30 }],
    });
    expect(problemsOf(made.resource.proxmox_virtual_environment_vm.moss, vmSchema)).toEqual([]);
    expect(made.import).toEqual([{ to: 'proxmox_virtual_environment_vm.stack1', id: 'alder/104' }]);
  });

  it('is imported once it exists, and kept beside a hosts.nix that does not have it', () => {
    const now = { ...there, vms: { ...there.vms, 131: { ...there.vms[104], name: 'moss' } } };
    const made = parsed({ vms: desiredVms(parsedYaml.config, undefined, now), existing: now });
    expect(made.resource.proxmox_virtual_environment_vm.moss).not.toHaveProperty('clone');
    expect(desiredVms(parsedYaml.config, { ...fleet, hosts: [] }, now).map(({ host }) => host)).toEqual([
      'moss',
    ]);
  });
});
