import { describe, expect, it } from 'vitest';
import { finishSteps } from '../../../src/plan/guest/finish-steps.ts';
import { hostValues } from '../../../src/plan/guest/host-values.ts';
import { type GuestEntry, makeEntry } from '../../../src/plan/guest/make-entry.ts';
import { makeNewGuest } from '../../../src/plan/guest/make-new.ts';
import type { TofuVm } from '../../../src/plan/tofu/fleet.ts';
import { machine, newFacts, newGuest, template } from './sample.ts';

const numbered = (create = {}) => {
  const wanted = newGuest(create);
  return { ...wanted, wish: { ...wanted.wish, vmid: 115 } };
};
const vm: TofuVm = {
  ...{ host: 'doc2', from: 'hosts.nix', name: 'doc2', vmid: 115, node: 'prom', template: 9000 },
  ...{
    defaults: { description: '', tags: [] },
    ignoreInit: false,
    ignore: [],
    virtiofs: [],
    holdsData: false,
  },
};
const hosts = {
  ...{ path: '/home/me/hosts.nix', before: '{\n}\n', after: '{\n  doc2 = { };\n}\n', mode: '0644' },
  ...{ owner: { uid: 0, gid: 0 }, attribute: 'doc2', evaluated: true },
};
const files = [
  {
    path: '/home/me/tofu/drayage.tf.json',
    text: '{"resource":{"proxmox_virtual_environment_vm":{"doc1":{"vm_id":104},"doc2":{"vm_id":115}}}}',
    textSha256: 'a'.repeat(64),
  },
];
const entry = (more: Partial<GuestEntry> = {}, facts = newFacts()) =>
  makeEntry(facts, { wanted: numbered(), hosts, inHosts: true, files, vm, ...more }, '0.1.0');

describe('what the files get before OpenTofu makes a guest', () => {
  it('is the host, the entry of drayage.yaml and the resource, and only what is new is shown', () => {
    const { steps, blockers, notes } = entry();
    expect(steps.map(({ id }) => id)).toEqual([
      'fleet doc2',
      'enter-guest doc2',
      'write /home/me/tofu/drayage.tf.json',
    ]);
    expect(new Set(steps.map(({ phase }) => phase))).toEqual(new Set(['guest doc2']));
    const shown = steps.map(({ operations: [first] }) =>
      first?.kind === 'write' ? first.excerpt : undefined,
    );
    expect(shown[0]).toBe('+  doc2 = { };');
    expect(shown[1]).toContain('vmid: 115');
    expect(JSON.parse(shown[2] ?? '')).toEqual({ doc2: { vm_id: 115 } });
    expect(blockers).toEqual([]);
    expect(notes.join()).toContain('Then OpenTofu is run');
  });

  it('is nothing where they have it', () => {
    const wanted = { ...numbered(), enterCreate: false, enterVmid: false };
    expect(makeEntry(newFacts(), { wanted, inHosts: true, files: [], vm }, '0.1.0').steps).toEqual([]);
  });

  it('is refused where OpenTofu would clone another template, or look for it on another node', () => {
    for (const [other, way] of [
      [{ ...vm, template: 9003 }, '--template 9003'],
      [{ ...vm, node: 'elm' }, 'node = "prom" for doc2 in hosts.nix'],
    ] as const)
      expect(entry({ vm: other }).blockers).toMatchObject([
        {
          code: 'guest/other-template',
          next: expect.arrayContaining([way, 'or through the API: drayage guest new doc2 --api']),
        },
      ]);
  });

  it('is shown to be pasted where drayage.yaml cannot be edited, and needed where there is no hosts.nix', () => {
    const file = { ...newFacts().file, text: 'x: &a {}\nguests: *a\n' };
    expect(entry({}, newFacts({ file })).blockers).toEqual([]);
    const { hosts: _none, ...alone } = { wanted: numbered(), hosts, inHosts: false, files, vm };
    const refused = makeEntry(newFacts({ file }), alone, '0.1.0');
    expect(refused.blockers).toMatchObject([{ code: 'guest/not-entered' }]);
    expect(refused.blockers[0]?.next.join('\n')).toContain('vmid: 115');
  });
});

describe('a machine as a host of hosts.nix', () => {
  const from = { config: template.config ?? {}, node: 'prom', defaults: { node: 'prom' } };

  it('has what was said, and of the template what must be there', () => {
    expect(hostValues(numbered({ memory: 4096 }).wish, from)).toEqual({
      hostname: 'doc2',
      sshAlias: 'doc2',
      proxmox: {
        ...{ vmid: 115, cores: 2, memory: 4096, disk: '8G', diskInterface: 'scsi0', storage: 'local-zfs' },
      },
    });
  });

  it('does not say again what holds for all, and says where it differs', () => {
    const defaults = { node: 'elm', defaultStorage: 'tank' };
    const { proxmox } = hostValues(
      numbered({ storage: 'tank', net: { bridge: 'vmbr1' }, cloudInit: { user: 'me', ip: '10.0.0.5/24' } })
        .wish,
      { ...from, defaults },
    );
    expect(proxmox).toMatchObject({ node: 'prom', network: { bridge: 'vmbr1' }, ignoreInit: true });
    expect(proxmox).not.toHaveProperty('storage');
  });

  it('has the address and the user of cloud-init, and no disk of an odd size', () => {
    const odd = { ...from, config: { ...template.config, scsi0: 'local:x,size=3584M' } };
    const values = hostValues(numbered({ cloudInit: { user: 'me', ip: '10.0.0.5/24' } }).wish, odd);
    expect(values).toMatchObject({ localIp: '10.0.0.5', user: 'me', proxmox: { disk: 'as-it-is' } });
  });
});

describe('what OpenTofu does not set', () => {
  const clone = { ...template.config, cores: '4', memory: '2048' };
  const steps = (config: Record<string, string>, create = {}) =>
    finishSteps({
      ...{
        template: template.config ?? {},
        config,
        wish: newGuest(create).wish,
        facts: {},
        mappings: ['media'],
      },
      vm: { name: 'doc2', vmid: '115', path: '/nodes/prom/qemu/115' },
    });
  const call = (made: ReturnType<typeof steps>) => {
    const operation = made.find(({ id }) => id === 'finish-guest doc2')?.operations[0];
    return operation?.kind === 'call' ? operation : undefined;
  };

  it('is set before the first start: cloud-init, no memory hotplug, no device of the template but a wanted one', () => {
    expect(call(steps(clone, { cloudInit: { user: 'me' } }))).toMatchObject({
      params: { ciuser: 'me', hotplug: 'network,disk', delete: 'virtiofs0' },
      guards: [{ at: 'status', equals: 'stopped' }],
    });
  });

  it('stays where somebody has set it since', () => {
    const set = { ...clone, ciuser: 'you', hotplug: 'disk', virtiofs0: 'dirid=mine' };
    expect(steps(set, { cloudInit: { user: 'me' } })).toEqual([]);
  });

  it('is a disk that has the size of the template still', () => {
    const done = { ...clone, hotplug: 'disk', virtiofs0: 'dirid=mine' };
    expect(steps(done, { disk: '32G' }).map(({ id }) => id)).toEqual(['resize-guest doc2']);
    expect(steps({ ...done, scsi0: 'local-zfs:vm-115-disk-0,size=64G' }, { disk: '32G' })).toEqual([]);
  });

  it('is left alone when the machine runs', () => {
    const seen = { ...machine(115, 'doc2', clone), running: true };
    const plan = makeNewGuest(
      newFacts({ alike: [seen] }),
      { ...numbered(), byTofu: { mappings: [] } },
      '0.1.0',
    );
    expect(plan.steps.map(({ id }) => id)).toEqual(['start-guest doc2', 'agent doc2', 'enter-guest doc2']);
  });
});
