import { describe, expect, it } from 'vitest';
import { plainPalette } from '../../../src/errors/palette.ts';
import { isOneDirectory } from '../../../src/plan/golden-path/context.ts';
import type { Journey, MaintenanceFacts, StreamFacts } from '../../../src/plan/golden-path/facts.ts';
import { makeForget } from '../../../src/plan/golden-path/forget.ts';
import { makeMaintenance } from '../../../src/plan/golden-path/make-maintenance.ts';
import { commandOf, journeyOf, phaseOf } from '../../../src/plan/golden-path/names.ts';
import type { Operation } from '../../../src/plan/operation.ts';
import type { Step } from '../../../src/plan/plan.ts';
import { maintenanceAsText } from '../../../src/plan/render/golden-path.ts';
import {
  awayFacts,
  emptyPlace,
  maintainedGuest,
  maintenanceFacts,
  maintenanceYaml,
  marker,
  ownPlace,
} from '../../support/maintenance-facts.ts';
import { sampleConfig } from '../../support/sample.ts';

const enter: Journey = { direction: 'enter', node: 'maint' };
const leave: Journey = { direction: 'leave', node: 'maint' };
const config = sampleConfig(maintenanceYaml);
const made = (facts: MaintenanceFacts, journey = enter, yaml = maintenanceYaml) =>
  makeMaintenance(sampleConfig(yaml), facts, journey, '0.1.0');
const ids = (steps: readonly Step[]) => steps.map(({ id }) => id);
const step = (facts: MaintenanceFacts, id: string, journey = enter, yaml = maintenanceYaml) =>
  made(facts, journey, yaml).steps.find((each) => each.id === id)!;
const codes = (facts: MaintenanceFacts, journey = enter, yaml = maintenanceYaml) =>
  made(facts, journey, yaml).blockers.map(({ code }) => code);
const share = (own: object, other: object, more: Partial<MaintenanceFacts> = {}) =>
  maintenanceFacts({
    shares: { containers: { own: { ...ownPlace, ...own }, other: { ...emptyPlace, ...other } } },
    ...more,
  });
const runs = (operations: readonly Operation[]) =>
  operations.map((operation) =>
    operation.kind === 'run'
      ? `${operation.host}: ${operation.argv.join(' ')}`
      : operation.kind === 'write'
        ? `${operation.host}: write ${operation.path}`
        : operation.kind === 'call'
          ? `${operation.method} ${operation.path}`
          : operation.kind,
  );

describe('the plan of maintenance enter', () => {
  const plan = made(maintenanceFacts());

  it('has no blocker where both nodes answer', () => {
    expect(plan.blockers).toEqual([]);
  });

  it('copies while the guests run, and stops them only behind the gate', () => {
    expect(plan.steps.map(({ id, stage }) => `${stage}: ${id}`)).toEqual([
      'prepare: unseal containers@maint',
      'prepare: place containers@maint',
      'prepare: mapping containers@maint',
      'seed: seed containers@maint',
      'cutover: stop guest doc2',
      'cutover: final-pass containers@maint',
      'cutover: release containers@maint',
      'cutover: migrate guest doc2',
      'cutover: boot guest doc2',
      'cutover: mounted guest doc2',
      'cutover: start guest doc2',
      'prove: seal containers@maint',
      'prove: prove containers@maint',
    ]);
  });

  it('is the same for the same world', () => {
    expect(made(maintenanceFacts()).id).toBe(plan.id);
  });

  it('sends the entries of all other nodes back with the new one, and the digest', () => {
    const [call] = step(maintenanceFacts(), 'mapping containers@maint').operations;
    expect(call).toMatchObject({
      method: 'PUT',
      path: '/cluster/mapping/dir/containers',
      params: {
        map: [
          'node=other,path=/tank/theirs',
          'node=prom,path=/nvmeprom/containers',
          'node=maint,path=/srv/containers',
        ],
        digest: 'd1',
      },
    });
  });

  it('takes the old marker away before it gives the new one', () => {
    const { operations } = step(maintenanceFacts(), 'release containers@maint');
    expect(runs(operations)).toEqual([
      'prom: write /nvmeprom/containers/.drayage/standby.json',
      'POST /nodes/prom/qemu/114/status/shutdown',
      'prom: rm -f -- /nvmeprom/containers/.drayage/share.json',
      'prom: sh -c sync -f -- "$1" sh /nvmeprom/containers',
      'prom: zfs set readonly=on nvmeprom/containers',
      'maint: sh -c sync -f -- "$1" sh /srv/containers',
      'maint: write /srv/containers/.drayage/share.json',
      'maint: rm -f -- /srv/containers/.drayage/standby.json',
    ]);
    expect(operations[1]?.unless).toMatchObject([{ what: 'doc2 (VM 114) is stopped on prom' }]);
    const given = operations[6]!;
    expect(given).toMatchObject({ content: `${marker}\n` });
    expect(given.guards?.map(({ what }) => what)).toContain(
      'prom:/nvmeprom/containers has no marker, so no workload starts on it',
    );
    for (const operation of [operations[0], operations[2], given])
      expect(operation?.guards?.map(({ what }) => what)).toContain('doc2 (VM 114) is stopped on prom');
  });

  it('can be cut off after the old marker is gone: what came before is in place then, and the note is not written again', () => {
    const before = ['stop guest doc2', 'final-pass containers@maint', 'seed containers@maint'];
    for (const id of before) {
      const what = step(maintenanceFacts(), id).probe.map((check) => check.what);
      expect(what, id).toContain('prom:/nvmeprom/containers is the standby of containers');
    }
    expect(step(maintenanceFacts(), 'release containers@maint').operations[0]?.unless).toHaveLength(1);
  });

  it('never writes to a place without looking for its standby file and for a lost mount', () => {
    for (const id of ['seed containers@maint', 'final-pass containers@maint']) {
      const [pass] = step(maintenanceFacts(), id).operations;
      const what = pass?.guards?.map((guard) => guard.what);
      expect(what).toContain('/srv/containers on maint is mounted');
      expect(what).toContain('maint:/srv/containers is the standby of containers');
      expect(what).toContain('prom:/nvmeprom/containers has the current data of containers');
    }
  });

  it('never carries the marker files as data', () => {
    const [pass] = step(maintenanceFacts(), 'final-pass containers@maint').operations;
    expect(pass).toMatchObject({ kind: 'copy', exclude: ['.drayage', '.zfs'] });
    expect((pass as { argv: string[] }).argv).toContain('--exclude=/.drayage');
  });

  it('passes over everything on ZFS, where ctime is not proven, and by a list on ext4', () => {
    expect(step(maintenanceFacts(), 'final-pass containers@maint').operations[0]).toHaveProperty('full');
    expect(plan.notes.join()).toContain('The downtime includes reading all of containers on both sides');
    const listed = step(share({ fsType: 'xfs' }, {}), 'final-pass containers@maint');
    expect(listed.operations[0]).not.toHaveProperty('full');
  });

  it('starts the guest again, waits for it, and then its workloads, when the window is taken back', () => {
    const { operations, undo } = step(maintenanceFacts(), 'stop guest doc2');
    expect(runs(operations).at(-1)).toBe('POST /nodes/prom/qemu/114/status/shutdown');
    for (const operation of operations) expect(operation.unless, operation.what).toHaveLength(1);
    expect(runs(undo)[0]).toBe('POST /nodes/prom/qemu/114/status/start');
    expect(undo[1]?.guards?.[0]).toMatchObject({ host: 'doc2', argv: ['true'], within: 300 });
  });

  it('projects a window with the boot that was measured', () => {
    const { window, guests, workloads } = plan.estimates['containers@maint']!;
    expect({ guests, workloads }).toEqual({ guests: 1, workloads: 3 });
    expect(window.start).toBe(3 * 2 + 20);
  });

  it('reads as a plan of its own', () => {
    const standing = new Map(plan.steps.map(({ id }) => [id, 'to-do'] as const));
    const text = maintenanceAsText(plan, enter, config, standing, plainPalette);
    expect(text).toContain(`drayage maintenance enter maint: plan ${plan.id}`);
    expect(text).toMatch(/Cutover: the downtime, likely about \d+ s/);
    expect(text).toContain('No way back: From here on the guests write on maint.');
    expect(text).toContain('pvesh create /nodes/prom/qemu/114/migrate --target maint');
  });
});

describe('a dataset on the other node', () => {
  const yaml = maintenanceYaml.replace(
    '{ path: /srv/containers, mounted: true }',
    '{ dataset: tank/containers }',
  );
  const facts = share({}, { fsType: 'zfs', state: 'missing', mounted: false });

  it('is made with the properties of a share, and gets a snapshot for the full proof', () => {
    const { steps, blockers } = made(facts, enter, yaml);
    expect(blockers).toEqual([]);
    expect(ids(steps)).toContain('dataset containers@maint');
    expect(ids(steps).indexOf('snapshot containers@maint')).toBe(
      ids(steps).indexOf('release containers@maint') - 1,
    );
    expect(runs(step(facts, 'dataset containers@maint', enter, yaml).operations)).toEqual([
      'maint: zfs create -o acltype=posixacl -o xattr=sa -o mountpoint=/tank/containers tank/containers',
    ]);
    expect(step(facts, 'prove containers@maint', enter, yaml).proof[0]).toMatchObject({
      kind: 'compare',
      scope: 'full',
      target: { path: '/tank/containers/.zfs/snapshot/drayage-maintenance' },
    });
  });

  it('is sealed by its property, a directory by an immutable top', () => {
    expect(runs(step(maintenanceFacts(), 'seal containers@maint').operations)).toEqual([
      'prom: zfs set readonly=on nvmeprom/containers',
    ]);
    expect(runs(step(awayFacts(), 'seal containers@prom', leave).operations)).toEqual([
      'maint: chattr +i -- /srv/containers',
    ]);
  });
});

describe('two datasets', () => {
  const yaml = maintenanceYaml.replace(
    '{ path: /srv/containers, mounted: true }',
    '{ dataset: tank/containers }',
  );
  const stream = (more: Partial<StreamFacts> = {}): StreamFacts => ({
    snapshots: [],
    writtenBytes: 0,
    encrypted: false,
    ...more,
  });
  const own = (more: Partial<StreamFacts> = {}) => ({
    dataset: { mounted: true, mountpoint: '/nvmeprom/containers', stream: stream(more) },
  });
  /** `more` absent: there is no dataset yet. */
  const there = (more?: Partial<StreamFacts>, mountpoint = 'none') => ({
    fsType: 'zfs',
    mounted: false,
    ...(more === undefined
      ? { state: 'missing' as const }
      : { dataset: { mounted: false, mountpoint, stream: stream(more) } }),
  });
  const snapshot = (name: string, guid = `guid of ${name}`) => ({ name, guid });
  const note = (facts: MaintenanceFacts) =>
    made(facts, enter, yaml).notes.find((each) => /rsync|zfs send/.test(each));
  const fresh = share(own(), there());

  it('are carried by zfs send, and the plan says so, and why', () => {
    const plan = made(fresh, enter, yaml);
    expect(plan.blockers).toEqual([]);
    expect(note(fresh)).toBe(
      'containers is carried by zfs send from prom:nvmeprom/containers to maint:tank/containers: maint:tank/containers does not exist yet, so everything is sent.',
    );
    expect(plan.steps.map(({ id, stage }) => `${stage}: ${id}`)).toEqual([
      'prepare: place containers@maint',
      'prepare: mapping containers@maint',
      'seed: seed containers@maint',
      'cutover: stop guest doc2',
      'cutover: final-pass containers@maint',
      'cutover: release containers@maint',
      'cutover: migrate guest doc2',
      'cutover: boot guest doc2',
      'cutover: mounted guest doc2',
      'cutover: start guest doc2',
      'prove: seal containers@maint',
      'prove: prove containers@maint',
      'prove: prune containers@maint',
    ]);
    expect(step(fresh, 'prove containers@maint', enter, yaml).proof[0]).toMatchObject({
      kind: 'compare',
      scope: 'full',
      target: { path: '/tank/containers/.zfs/snapshot/drayage-maintenance-5' },
    });
  });

  it('have no reading of everything in the downtime', () => {
    expect(made(fresh, enter, yaml).notes.join()).not.toContain('The downtime includes reading');
    expect(made(fresh, enter, yaml).estimates['containers@maint']?.window.copy).toBeLessThan(10);
  });

  it('send what changed since the newest snapshot that both have', () => {
    const both = [snapshot('drayage-maintenance-5')];
    const facts = share(own({ snapshots: [...both, snapshot('autosnap')] }), there({ snapshots: both }));
    expect(note(facts)).toContain(
      'both have @drayage-maintenance-5, so only what changed since then is sent',
    );
    expect(step(facts, 'seed containers@maint', enter, yaml).operations[0]?.what).toBe(
      'snapshot @drayage-maintenance-6, held: what changed since @drayage-maintenance-5',
    );
  });

  it('go on with a stream that was cut off, and throw one away whose snapshot is gone', () => {
    const cut = (there_: boolean) =>
      share(
        own({ snapshots: [snapshot('drayage-maintenance-1')] }),
        there({ writtenBytes: 9e6, unfinished: { snapshot: 'drayage-maintenance-1', there: there_ } }),
      );
    const [goesOn] = step(cut(true), 'seed containers@maint', enter, yaml).operations;
    expect(goesOn?.what).toBe('go on with @drayage-maintenance-1, which was cut off');
    const [thrown, next] = step(cut(false), 'seed containers@maint', enter, yaml).operations;
    expect(thrown).toMatchObject({ argv: ['zfs', 'receive', '-A', 'tank/containers'] });
    expect(next?.what).toContain('snapshot @drayage-maintenance-2, held: everything');
  });

  it.each<[string, Partial<StreamFacts>, Partial<StreamFacts>]>([
    ['exists and has no snapshot in common', {}, {}],
    [
      'the newest snapshot of maint:tank/containers, @autosnap, is not one that drayage sent',
      { snapshots: [snapshot('drayage-maintenance-5')] },
      { snapshots: [snapshot('drayage-maintenance-5'), snapshot('autosnap')] },
    ],
    [
      'the newest snapshot of maint:tank/containers, @drayage-maintenance-5, is not one that drayage sent and prom has too',
      { snapshots: [snapshot('drayage-maintenance-5', 'another')] },
      { snapshots: [snapshot('drayage-maintenance-5')] },
    ],
    [
      'was written to since its newest snapshot, @drayage-maintenance-5',
      { snapshots: [snapshot('drayage-maintenance-5')] },
      { snapshots: [snapshot('drayage-maintenance-5')], writtenBytes: 1 },
    ],
    [
      "holds what a receive of theirs has left, which is not drayage's",
      {},
      { unfinished: { snapshot: 'theirs', there: true } },
    ],
  ])('are copied by rsync where that one %s', (reason, from, to) => {
    const mounted = { ...there(to, '/tank/containers'), mounted: true, standby: 'of prom' };
    const facts = share(own(from), mounted);
    expect(note(facts)).toContain('is copied by rsync');
    expect(note(facts)).toContain(reason);
    expect(made(facts, enter, yaml).blockers).toEqual([]);
    expect(step(facts, 'final-pass containers@maint', enter, yaml).operations[0]?.kind).toBe('copy');
  });

  it('are copied by rsync where another file system lies at the path of the one that is left', () => {
    const unmounted = { dataset: { ...own().dataset, mounted: false } };
    expect(note(share(unmounted, there()))).toContain(
      'prom:nvmeprom/containers is not what is mounted at /nvmeprom/containers',
    );
  });

  it('are copied by rsync into a directory, which is named', () => {
    expect(made(maintenanceFacts()).notes.join()).toContain(
      'is copied by rsync from prom:/nvmeprom/containers to maint:/srv/containers: maint:/srv/containers is a directory, not a dataset of its own.',
    );
  });

  it('block where a stream cannot go on and the copy engine would show its marker', () => {
    const [found] = made(
      share(
        own({ snapshots: [snapshot('drayage-maintenance-5')] }),
        there({ snapshots: [snapshot('drayage-maintenance-5'), snapshot('autosnap')] }),
      ),
      enter,
      yaml,
    ).blockers;
    expect(found).toMatchObject({ code: 'maintenance/no-place' });
    expect(found?.seen).toContain('has what an earlier zfs send brought, and cannot be gone on with');
    expect(found?.next).toContain('drayage maintenance leave maint --forget');
  });

  it('never receive by force, roll nothing back, and destroy only own snapshots by name', () => {
    for (const facts of [fresh, share(own({ snapshots: [snapshot('drayage-maintenance-2')] }), there())]) {
      const { steps } = made(facts, enter, yaml);
      const text = JSON.stringify(steps);
      expect(text).not.toMatch(/receive[^"]* -F|zfs rollback|destroy -r/);
    }
    const facts = share(own({ snapshots: [snapshot('drayage-maintenance-2'), snapshot('theirs')] }), there());
    expect(runs(step(facts, 'prune containers@maint', enter, yaml).operations)[0]).toMatch(
      /^prom: [\s\S]* nvmeprom\/containers drayage drayage-maintenance-2 drayage-maintenance-3 drayage-maintenance-4 drayage-maintenance-5 drayage-maintenance-6$/,
    );
  });

  it('keep what arrives out of sight until the old place has no marker and is closed', () => {
    const { operations } = step(fresh, 'release containers@maint', enter, yaml);
    const at = (pattern: RegExp) => runs(operations).findIndex((run) => pattern.test(run));
    const order = [
      at(/^prom: rm -f .*share\.json$/),
      at(/^prom: zfs set readonly=on/),
      at(/^prom: .*zfs snapshot/s),
      at(/^maint: .*zfs receive/s),
      at(/^maint: zfs set readonly=off/),
      at(/^maint: zfs set mountpoint=\/tank\/containers tank\/containers$/),
      at(/^maint: write .*share\.json$/),
    ];
    expect(order).toEqual([...order].sort((one, other) => one - other));
    expect(order).not.toContain(-1);
    for (const id of ['place', 'seed', 'final-pass']) {
      const last = step(fresh, `${id} containers@maint`, enter, yaml).operations.at(-1);
      expect(last?.guards?.map(({ what }) => what)).toContain(
        'prom:/nvmeprom/containers has the current data of containers',
      );
    }
  });

  it('are not taken out of sight again by a run that goes on between the mount and the new marker', () => {
    const [ready] = step(fresh, 'place containers@maint', enter, yaml).probe;
    expect(ready).toMatchObject({
      argv: expect.arrayContaining([
        '/tank/containers/.drayage/standby.json',
        '{"share":"containers","uuid":"11111111-1111-8111-9111-111111111111","current":"maint"}',
      ]),
    });
  });

  it('that are encrypted are sent as they are stored, and the key is asked for before the downtime', () => {
    const facts = share(own({ encrypted: true }), there());
    const { steps } = made(facts, enter, yaml);
    expect(ids(steps).indexOf('key containers@maint')).toBe(ids(steps).indexOf('stop guest doc2') - 1);
    expect(step(facts, 'key containers@maint', enter, yaml).byHand).toBe(
      'On maint: zfs load-key tank/containers',
    );
    expect(JSON.stringify(step(facts, 'seed containers@maint', enter, yaml))).toContain('zfs send -w -p ');
    expect(
      step(facts, 'release containers@maint', enter, yaml).operations[0]?.guards?.map(({ what }) => what),
    ).toContain('the key of tank/containers is loaded on maint');
  });

  it('are known after the hand-over by the snapshot that both keep', () => {
    const away = awayFacts();
    const { own: old } = away.shares.containers!;
    const both = { snapshots: [snapshot('drayage-maintenance-5')] };
    const arrived = {
      ...away,
      shares: {
        containers: {
          own: { ...old!, ...own(both) },
          other: { ...emptyPlace, marker, ...there(both, '/tank/containers'), mounted: true },
        },
      },
    };
    expect(step(arrived, 'prove containers@maint', enter, yaml).proof[0]).toMatchObject({
      target: { path: '/tank/containers/.zfs/snapshot/drayage-maintenance-5' },
    });
  });

  it('let what was received go as a whole, and only when it is not the current one', () => {
    const both = { snapshots: [snapshot('drayage-maintenance-5')] };
    const facts = share(own(both), there(both));
    const { steps, notes } = makeForget(sampleConfig(yaml), facts, leave, '0.1.0');
    expect(ids(steps)).toEqual(['undo place containers@prom']);
    expect(steps[0]?.operations.map(({ what }) => what)).toEqual([
      'destroy the snapshots of drayage on prom, by name',
      'and those on maint; then the dataset, which must not have another one',
    ]);
    for (const { guards } of steps[0]!.operations)
      expect(guards?.map(({ what }) => what)).toEqual([
        'prom:/nvmeprom/containers has the current data of containers',
        'maint:/tank/containers has no marker',
      ]);
    expect(notes[0]).toContain('was made by zfs receive, and goes as a whole');
    const written = share(own(both), there({ ...both, writtenBytes: 512 }));
    expect(makeForget(sampleConfig(yaml), written, leave, '0.1.0').notes).toContain(
      'tank/containers on maint was written to since its newest snapshot, and that goes with it. What it is: zfs diff tank/containers@drayage-maintenance-5 tank/containers',
    );
  });
});

describe('the plan of maintenance leave', () => {
  const plan = made(awayFacts(), leave);

  it('is the way of enter in reverse', () => {
    expect(plan.blockers).toEqual([]);
    expect(ids(plan.steps).filter((id) => id.includes('guest'))).toEqual([
      'stop guest doc2',
      'migrate guest doc2',
      'boot guest doc2',
      'mounted guest doc2',
      'start guest doc2',
    ]);
    expect(runs(step(awayFacts(), 'migrate guest doc2', leave).operations)).toEqual([
      'POST /nodes/maint/qemu/114/status/shutdown',
      'POST /nodes/maint/qemu/114/migrate',
    ]);
  });

  it('opens the sealed place again only while the other one has the marker', () => {
    const [open] = step(awayFacts(), 'unseal containers@prom', leave).operations;
    expect(open).toMatchObject({ host: 'prom', argv: ['zfs', 'set', 'readonly=off', 'nvmeprom/containers'] });
    expect(open?.guards?.map(({ what }) => what)).toContain(
      'maint:/srv/containers has the current data of containers',
    );
  });
});

describe('a guest that is bound to its node', () => {
  const igpu2 = maintainedGuest({ name: 'igpu2', vmid: 119 });
  const bound = { ...igpu2, vm: { ...igpu2.vm, pciPassthrough: ['hostpci0'] } };
  const yaml = maintenanceYaml.replace('guests:', 'guests:\n  igpu2: { vmid: 119, ssh: root@igpu2 }');
  const without = yaml.replace('mounted: true', 'mounted: true, without: [igpu2]');
  const facts = maintenanceFacts({ guests: { doc2: maintainedGuest(), igpu2: bound } });

  it('blocks, with the one way out', () => {
    const [found] = made(facts, enter, yaml).blockers;
    expect(found).toMatchObject({
      code: 'maintenance/passthrough',
      seen: 'igpu2 (VM 119) has hostpci0',
      next: [
        'to leave it behind, stopped: shares.containers.maintenance.maint.without: [igpu2] in drayage.yaml',
      ],
    });
  });

  it('left out by name, is stopped and not carried, and starts when the share is back', () => {
    const { steps, blockers, notes } = made(facts, enter, without);
    expect(blockers).toEqual([]);
    expect(ids(steps)).toContain('stop guest igpu2');
    expect(ids(steps).filter((id) => /^(migrate|boot) guest igpu2$/.test(id))).toEqual([]);
    expect(notes).toContain('igpu2 stays on prom, stopped while the share is on maint.');
    const away = awayFacts();
    const { system: _off, ...off } = bound;
    const back = made(
      { ...away, guests: { ...away.guests, igpu2: { ...off, running: false } } },
      leave,
      without,
    );
    expect(back.blockers).toEqual([]);
    expect(ids(back.steps)).toContain('boot guest igpu2');
  });
});

describe('a cluster file system', () => {
  const ceph = { fsType: 'ceph', source: 'drayage@fsid.cephfs=/', fsid: 'c3', markerInode: '9', marker };
  const yaml = maintenanceYaml
    .replace('    maintenance:\n      maint: { path: /srv/containers, mounted: true }\n', '')
    .replace(
      'dataset: nvmeprom/containers',
      'dataset: nvmeprom/containers\n    path: /mnt/pve/cephfs/containers',
    );
  const facts = (other: object = {}) => {
    const base = maintenanceFacts();
    const entries = ['prom', 'maint'].map((node) => ({ node, path: '/mnt/pve/cephfs/containers' }));
    return {
      ...base,
      cluster: { ...base.cluster, mappings: [{ id: 'containers', entries, digest: 'd1' }] },
      shares: {
        containers: {
          own: { ...ownPlace, ...ceph },
          other: { ...emptyPlace, ...ceph, ...other, inside: ['docker'] },
        },
      },
    };
  };

  it('is recognised from the mapping and the mount: nothing is copied, only the guests move', () => {
    const { steps, blockers, notes } = made(facts(), enter, yaml);
    expect(blockers).toEqual([]);
    expect(ids(steps)).toEqual([
      'mapping containers@maint',
      'stop guest doc2',
      'release containers@maint',
      'boot guest doc2',
      'mounted guest doc2',
      'start guest doc2',
    ]);
    expect(steps.flatMap(({ operations }) => operations).filter(({ kind }) => kind === 'copy')).toEqual([]);
    expect(notes[0]).toContain('is the same directory of ceph');
  });

  it('is not one where the other node has another one mounted at that path', () => {
    expect(codes(facts({ source: 'drayage@other.cephfs=/' }), enter, yaml)).not.toEqual([]);
    expect(isOneDirectory('/a', ceph, '/a', { ...ceph, markerInode: '10' })).toBe(false);
  });

  it('is never a local file system, whatever its path', () => {
    const local = { fsType: 'ext4', source: '/dev/sda1', fsid: 'a', markerInode: '9' };
    expect(isOneDirectory('/a', local, '/a', local)).toBe(false);
  });
});

describe('what keeps a share where it is', () => {
  it('names a virtual machine that nobody told of', () => {
    const facts = maintenanceFacts();
    const stranger = { ...facts.cluster.vms[0]!, vmid: 131, name: 'forgotten' };
    const [found] = made({
      ...facts,
      cluster: { ...facts.cluster, vms: [...facts.cluster.vms, stranger] },
    }).blockers;
    expect(found).toMatchObject({
      code: 'maintenance/unknown-guest',
      seen: 'VM 131 (forgotten) on prom has a device of containers',
    });
    expect(found?.next[0]).toContain('qm set 131 --delete virtiofs0');
  });

  it.each<[string, MaintenanceFacts]>([
    ['maintenance/no-marker', share({ marker: undefined }, {})],
    ['maintenance/no-marker', share({}, { marker })],
    ['maintenance/occupied', share({}, { inside: ['lost+found'] })],
    ['maintenance/no-place', share({}, { mounted: false })],
    ['maintenance/no-place', share({}, { state: 'missing', mounted: false })],
    ['maintenance/no-room', share({}, { availableBytes: 1e6 })],
    ['maintenance/submounts', share({ submounts: ['nvmeprom/containers/db'] }, {})],
    ['maintenance/missing-tool', share({}, { missingTools: ['rsync'] })],
    ['maintenance/rsync-refuses', share({}, { rsyncRefuses: { what: 'pass', said: 'unknown option' } })],
    ['maintenance/no-ssh', share({}, { cannotReach: 'Host key verification failed.' })],
    ['maintenance/not-reached', maintenanceFacts({ shares: { containers: { own: ownPlace } } })],
    [
      'maintenance/guest-elsewhere',
      maintenanceFacts({ guests: { doc2: maintainedGuest({ node: 'other' }) } }),
    ],
    [
      'maintenance/guest-on-old-data',
      maintenanceFacts({ guests: { doc2: maintainedGuest({ node: 'maint' }) } }),
    ],
    ['maintenance/ha', maintenanceFacts({ guests: { doc2: maintainedGuest({ haManaged: true }) } })],
    [
      'maintenance/unguarded',
      maintenanceFacts({ guests: { doc2: maintainedGuest({ unguarded: ['web.service'] }) } }),
    ],
  ])('%s', (code, facts) => {
    expect(codes(facts)).toContain(code);
  });

  it('never sends the mapping over an entry of the other node that somebody made for another place', () => {
    const facts = maintenanceFacts();
    const [mapping] = facts.cluster.mappings;
    const foreign = { node: 'maint', path: '/tank/theirs too' };
    const entries = [...mapping!.entries, foreign];
    const plan = made({ ...facts, cluster: { ...facts.cluster, mappings: [{ ...mapping!, entries }] } });
    expect(plan.blockers).toContainEqual(
      expect.objectContaining({
        code: 'maintenance/mapping',
        seen: 'mapping containers points maint at /tank/theirs too; the place of the share there is /srv/containers',
        next: [
          'ssh root@192.168.1.13 pvesh get /cluster/mapping/dir/containers',
          expect.stringContaining('or remove the entry of maint if nothing needs it'),
        ],
      }),
    );
  });

  it('leads from a share that is away to the way back', () => {
    const [found] = made(
      share({ marker: undefined, standby: undefined }, { marker, inside: ['docker'] }),
    ).blockers;
    expect(found).toMatchObject({ code: 'maintenance/not-here', next: ['drayage maintenance leave'] });
  });

  it('says how to tell it the way between the nodes', () => {
    const [found] = made(share({}, { cannotReach: 'refused' })).blockers;
    expect(found?.next).toContain(
      'if maint reaches prom by another name, set nodes.prom.sshFromNode in drayage.yaml',
    );
  });
});

describe('a standby that is not needed any more', () => {
  const standby = '{"share":"containers","uuid":"1","current":"prom"}';
  const back = (() => {
    const away = awayFacts();
    return {
      ...away,
      shares: {
        containers: { own: ownPlace, other: { ...emptyPlace, inside: ['docker'], standby, sealed: true } },
      },
      guests: { doc2: maintainedGuest() },
    };
  })();
  const forget = (facts: MaintenanceFacts) => makeForget(config, facts, leave, '0.1.0');

  it('goes, and its entry of the mapping with it, while the others are sent back', () => {
    const { steps, blockers } = forget(back);
    expect(blockers).toEqual([]);
    expect(ids(steps)).toEqual([
      'undo seal containers@prom',
      'undo place containers@prom',
      'undo mapping containers@prom',
    ]);
    expect(steps[2]?.operations[0]).toMatchObject({
      params: { map: ['node=other,path=/tank/theirs', 'node=prom,path=/nvmeprom/containers'], digest: 'd1' },
    });
    const what = steps[1]?.operations[0]?.guards?.map((guard) => guard.what);
    expect(what).toContain('prom:/nvmeprom/containers has the current data of containers');
    expect(what).toContain('maint:/srv/containers is the standby that was seen');
  });

  it('goes without its entry of the mapping, where that leads to another place than the standby', () => {
    const [mapping] = back.cluster.mappings;
    const entries = [{ node: 'maint', path: '/srv/else' }, ...mapping!.entries];
    const { steps, blockers } = forget({
      ...back,
      cluster: {
        ...back.cluster,
        mappings: [{ ...mapping!, entries: entries.filter(({ path }) => path !== '/srv/containers') }],
      },
    });
    expect(blockers).toEqual([]);
    expect(ids(steps)).toEqual(['undo seal containers@prom', 'undo place containers@prom']);
  });

  it('stays while it is the current place, or a guest is there', () => {
    expect(forget(awayFacts()).blockers.map(({ code }) => code)).toContain('maintenance/in-use');
    const guest = forget({ ...back, guests: { doc2: maintainedGuest({ node: 'maint' }) } });
    expect(guest.blockers[0]).toMatchObject({
      code: 'maintenance/in-use',
      next: ['drayage maintenance leave maint'],
    });
  });
});

it('a place that cannot be made immutable is not sealed, and the plan says so', () => {
  const facts = awayFacts();
  const { own, other: there } = facts.shares.containers!;
  const plan = made(
    {
      ...facts,
      shares: { containers: { own: own!, other: { ...there!, fsType: 'nfs4', sealable: false } } },
    },
    leave,
  );
  expect(ids(plan.steps)).not.toContain('seal containers@prom');
  expect(plan.notes.join()).toContain('maint:/srv/containers cannot be made immutable (nfs4)');
});

it('a phase of a maintenance names its command, and no phase of drayage.yaml does', () => {
  expect(journeyOf(phaseOf(enter))).toEqual(enter);
  expect(commandOf(leave)).toBe('drayage maintenance leave maint');
  expect(journeyOf('maintenance')).toBeUndefined();
});
