import { describe, expect, it } from 'vitest';
import type { NewGuestFacts } from '../../../src/plan/guest/facts.ts';
import { makeNewGuest } from '../../../src/plan/guest/make-new.ts';
import { machine, newFacts, newGuest, template } from './sample.ts';

const plan = (facts: Partial<NewGuestFacts> = {}, create = {}, wish = {}) =>
  makeNewGuest(newFacts(facts), newGuest(create, wish), '0.1.0');
const step = (made: ReturnType<typeof plan>, id: string) => made.steps.find((one) => one.id === `${id} doc2`);
const params = (made: ReturnType<typeof plan>) => {
  const operation = step(made, 'configure-guest')?.operations[0];
  return operation?.kind === 'call' ? operation.params : {};
};

const beingMade = 'drayage is making the guest doc2.\n';
const made = 'Made by drayage for the guest doc2, from template 9000.\n';

describe('the plan of a new guest', () => {
  it('is clone, disk, configuration, start, agent, entry', () => {
    const { steps, blockers, notes } = plan({}, { disk: '32G' });
    expect(steps.map(({ id }) => id)).toEqual([
      'create-guest doc2',
      'resize-guest doc2',
      'configure-guest doc2',
      'start-guest doc2',
      'agent doc2',
      'enter-guest doc2',
    ]);
    expect([blockers, notes]).toEqual([[], []]);
  });

  it('gives everything in one call, and keeps no virtiofs device and no memory hotplug of the template', () => {
    const call = params(
      plan(
        { sshKeys: 'ssh-ed25519 AAAA me' },
        {
          cores: 4,
          memory: 8192,
          bios: 'ovmf',
          machine: 'q35',
          net: { bridge: 'vmbr1', vlan: 20 },
          tags: ['a', 'b'],
          cloudInit: { user: 'me', ip: '10.0.0.5/24', gateway: '10.0.0.1' },
        },
      ),
    );
    expect(call).toEqual({
      cores: 4,
      memory: 8192,
      hotplug: 'network,disk',
      bios: 'ovmf',
      machine: 'q35',
      net0: 'virtio,bridge=vmbr1,tag=20',
      tags: 'a;b',
      onboot: 1,
      ciuser: 'me',
      sshkeys: 'ssh-ed25519%20AAAA%20me',
      ipconfig0: 'ip=10.0.0.5/24,gw=10.0.0.1',
      description: 'Made by drayage for the guest doc2, from template 9000.',
      delete: 'virtiofs0,virtiofs3',
    });
  });

  it('makes a plain number of memory that the template has in another form', () => {
    expect(params(plan())).toMatchObject({ memory: 2048 });
  });

  it('grows the disk that it boots from, and leaves one that has the size', () => {
    expect(step(plan({}, { disk: '32G' }), 'resize-guest')?.operations[0]).toMatchObject({
      params: { disk: 'scsi0', size: '32G' },
    });
    expect(step(plan({}, { disk: '8G' }), 'resize-guest')).toBeUndefined();
  });

  it('goes on with a clone that an earlier run has made, by its number', () => {
    const half = machine(115, 'doc2', { description: beingMade, name: 'doc2' });
    const going = plan({ alike: [half] });
    expect(going.blockers).toEqual([]);
    expect(step(going, 'configure-guest')?.operations[0]).toMatchObject({
      path: '/nodes/prom/qemu/115/config',
    });
    expect(JSON.stringify(going)).not.toContain('known after');
  });

  it('of one that is made nothing is left but to start and enter it, whatever has become of the template', () => {
    const whole = machine(115, 'doc2', { description: made });
    const { template: _gone, ...facts } = newFacts({ alike: [whole] });
    const left = makeNewGuest(facts, newGuest(), '0.1.0');
    expect(left.blockers).toEqual([]);
    expect(left.steps.map(({ id }) => id)).toEqual(['start-guest doc2', 'agent doc2', 'enter-guest doc2']);
  });

  it('enters the number by a placeholder, and only the new lines are shown', () => {
    const write = step(plan(), 'enter-guest')?.operations[0];
    expect(write).toMatchObject({ kind: 'write', host: 'controller', mode: '0644' });
    expect(write).toHaveProperty('excerpt', expect.stringContaining('vmid: (known after create-guest doc2)'));
  });

  it('shows what to paste where drayage.yaml cannot be edited', () => {
    const file = { ...newFacts().file, text: 'x: &a {}\nguests: *a\n' };
    const { steps, notes } = plan({ file });
    expect(steps.some(({ id }) => id === 'enter-guest doc2')).toBe(false);
    expect(notes.join()).toMatch(/Enter in it:\nguests:\n {2}doc2:\n/);
  });

  it('has the same id for the same facts', () => {
    expect(plan().id).toBe(plan().id);
    expect(plan().id).not.toBe(plan({}, { cores: 8 }).id);
  });
});

describe('what keeps a guest from being made', () => {
  const without = (...keys: string[]) => ({
    ...template,
    config: Object.fromEntries(Object.entries(template.config ?? {}).filter(([key]) => !keys.includes(key))),
  });
  const cases: [string, Partial<NewGuestFacts>, object, object, string, RegExp][] = [
    [
      'another machine has its number',
      { alike: [machine(104, 'doc1')] },
      {},
      { vmid: 104 },
      'guest/vmid-taken',
      /another number.*--vmid/,
    ],
    [
      'another machine has its name',
      { alike: [machine(104, 'doc2')] },
      {},
      {},
      'guest/name-taken',
      /guests\.doc2\.vmid: 104/,
    ],
    [
      'two machines were made for it',
      {
        alike: [
          machine(104, 'doc2', { description: made }),
          machine(105, 'doc2', { description: beingMade }),
        ],
      },
      {},
      {},
      'guest/made-twice',
      /qm destroy 105/,
    ],
    [
      'what shall be cloned is no template',
      { template: { ...template, template: false } },
      {},
      {},
      'guest/not-a-template',
      /qm template 9000/,
    ],
    [
      'the template has no agent',
      { template: without('agent') },
      {},
      {},
      'guest/template-without-agent',
      /qm set 9000 --agent 1/,
    ],
    [
      'cloud-init has no drive',
      { template: without('ide2') },
      { cloudInit: { user: 'me' } },
      {},
      'guest/template-without-cloud-init',
      /qm set 9000 --ide2/,
    ],
    ['the disk is larger already', {}, { disk: '4G' }, {}, 'guest/disk-too-small', /larger/],
    [
      'the template has no disk',
      { template: without('scsi0', 'scsi1') },
      { disk: '4G' },
      {},
      'guest/template-without-disk',
      /qm config 9000/,
    ],
    [
      'a clone was cut off on the node',
      { stuck: { vmid: 120, node: 'prom' } },
      {},
      {},
      'guest/clone-left-behind',
      /qm unlock 120 && qm destroy 120/,
    ],
    [
      'a privilege is missing',
      {
        missing: [
          {
            subject: 'token me',
            what: 'cloning',
            seen: 'VM.Clone on /vms/9000 is missing',
            next: 'pveum a; pveum b',
          },
        ],
      },
      {},
      {},
      'guest/missing-privilege',
      /pveum b/,
    ],
  ];
  it.each(cases)('%s', (_, facts, create, wish, code, way) => {
    const { blockers } = plan(facts, create, wish);
    expect(blockers.map((blocker) => blocker.code)).toEqual([code]);
    expect(blockers[0]?.next.join('\n')).toMatch(way);
  });

  it('there is no such template', () => {
    const { template: _none, ...facts } = newFacts();
    const none = makeNewGuest(facts, newGuest(), '0.1.0');
    expect(none.steps).toEqual([]);
    expect(none.blockers).toMatchObject([
      { code: 'guest/no-template', seen: 'no VM 9000; templates are 9000 (trixie)' },
    ]);
  });
});
