import { describe, expect, it } from 'vitest';
import type { Findings, GuestSystem, SourceDirectory } from '../../src/inspect/findings.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Blocker } from '../../src/plan/plan.ts';
import { sampleConfig, sampleFindings, sampleSource, sampleYaml, web, writer } from '../support/sample.ts';

const blockers = (findings: Findings, yaml = sampleYaml): Blocker[] =>
  makePlan(sampleConfig(yaml), findings, '0.1.0').blockers;
const codes = (findings: Findings, yaml?: string) => blockers(findings, yaml).map((blocker) => blocker.code);

function withSource(source: Partial<SourceDirectory>): Findings {
  const found = sampleFindings();
  return {
    ...found,
    moves: { docker: { ...found.moves.docker!, source: { state: 'directory', ...sampleSource, ...source } } },
  };
}

function withSystem(guest: 'doc1' | 'doc2', system: Partial<GuestSystem>): Findings {
  const found = sampleFindings();
  const before = found.guests[guest]!;
  return {
    ...found,
    guests: { ...found.guests, [guest]: { ...before, system: { ...before.system!, ...system } } },
  };
}

describe('an rsync that refuses the options of every pass', () => {
  const rsyncRefuses = { what: 'pass' as const, said: 'rsync: --secluded-args: unknown option' };

  it('blocks on the node and on the guest that has the data, with what it said', () => {
    const found = withSystem('doc1', { rsyncVersion: '3.0.9', rsyncRefuses });
    const prom = { ...found.nodes.prom!, rsyncVersion: '3.1.2', rsyncRefuses };
    expect(blockers({ ...found, nodes: { prom } })).toMatchObject([
      {
        code: 'plan/rsync-refuses',
        seen: 'rsync 3.1.2 on prom: rsync: --secluded-args: unknown option',
        next: ['ssh root@192.168.1.12 rsync --version   # update it', 'drayage plan'],
      },
      { code: 'plan/rsync-refuses', seen: expect.stringMatching(/^rsync 3.0.9 on doc1: /) },
    ]);
  });

  it('is of no interest on the target guest, where none runs', () => {
    expect(codes(withSystem('doc2', { rsyncRefuses }))).toEqual([]);
  });

  it('that only does not delete by a list is no blocker: on the source guest, not even a reason for more work', () => {
    const found = withSystem('doc1', { rsyncRefuses: { what: 'deletions', said: 'x' } });
    const made = makePlan(sampleConfig(), found, '0.1.0');
    expect(made.blockers).toEqual([]);
    expect(made.steps.find(({ id }) => id === 'final-pass docker')?.operations[0]).not.toHaveProperty('full');
  });
});

describe('the source path', () => {
  it.each([
    ['missing', 'plan/source-missing'],
    ['unreadable', 'plan/source-unreadable'],
    ['not-a-directory', 'plan/source-not-a-directory'],
  ] as const)('that is %s blocks with %s', (state, code) => {
    const found = sampleFindings();
    expect(
      codes({ ...found, moves: { docker: { name: 'docker', source: { state, seen: 'a regular file' } } } }),
    ).toEqual([code]);
  });

  it('that is empty blocks: a pass with deletions would empty the share', () => {
    expect(codes(withSource({ empty: true }))).toEqual(['plan/source-empty']);
  });

  it('that is a mount blocks until the configuration says so', () => {
    expect(codes(withSource({ isMount: true }))).toEqual(['plan/source-is-mount']);
    const said = sampleYaml.replace('path: /mnt/docker }', 'path: /mnt/docker, mounted: true }');
    expect(codes(withSource({ isMount: true }), said)).toEqual([]);
    expect(codes(withSource({ isMount: false }), said)).toEqual(['plan/source-not-mounted']);
  });

  it('on a network file system blocks', () => {
    expect(codes(withSource({ isMount: true, fsType: 'nfs4' }))).toEqual(['plan/source-file-system']);
  });

  it('with another file system below blocks, unless that is left behind', () => {
    expect(codes(withSource({ submounts: ['/mnt/docker/media'] }))).toEqual(['plan/source-submounts']);
    expect(codes(withSource({ submounts: ['/mnt/docker/store/overlay'], imageStores: ['store'] }))).toEqual(
      [],
    );
  });

  it('with a database blocks until there is a word for it', () => {
    const findings = withSource({
      databases: [{ kind: 'PostgreSQL', path: 'immich/pg', mark: 'PG_VERSION' }],
    });
    expect(blockers(findings)[0]?.next[0]).toContain('moves.docker.databases: { "immich/pg": move }');
    const said = `${sampleYaml}    databases: { immich/pg: leave }\n`;
    expect(codes(findings, said)).toEqual([]);
    expect(JSON.stringify(makePlan(sampleConfig(said), findings, '0.1.0').steps)).toContain(
      '--exclude=/immich/pg',
    );
  });
});

describe('the source path, further', () => {
  it('that is itself an image store blocks', () => {
    const [first] = blockers(withSource({ empty: true, imageStores: ['.'] }));
    expect(first).toMatchObject({ code: 'plan/source-empty', seen: expect.stringContaining('image store') });
  });

  it('with entries that cannot be read blocks with their exact number', () => {
    const [first] = blockers(withSource({ unreadable: { count: 1234, first: ['a', 'b'] } }));
    expect(first).toMatchObject({
      code: 'plan/source-unreadable-entries',
      seen: '1,234 entries, first: a, b',
      next: [expect.anything(), expect.stringContaining('sudo')],
    });
  });

  it('with a database below another that stays behind asks no second word', () => {
    const findings = withSource({
      databases: [
        { kind: 'InfluxDB', path: 'influx', mark: 'influxd.bolt' },
        { kind: 'SQLite', path: 'influx/extra.db', mark: 'SQLite format 3' },
        { kind: 'SQLite', path: 'influx2.db', mark: 'SQLite format 3' },
      ],
    });
    const said = (choice: string) =>
      blockers(findings, `${sampleYaml}    databases: { influx: ${choice} }\n`);
    expect(said('leave').map(({ seen }) => seen)).toEqual([expect.stringContaining('influx2.db')]);
    expect(said('move')).toHaveLength(2);
  });
});

describe('the target', () => {
  it('without room blocks', () => {
    expect(codes(withSource({ allocatedBytes: 2e12 }))).toEqual(['plan/no-room']);
  });

  it('is asked for a margin, and for what each inode takes', () => {
    const room = (bytes: number, inodes?: number): Findings => {
      const found = withSource({ allocatedBytes: 1_000_000, inodes: 1000 });
      const share = { name: 'containers', occupied: false };
      const left = { dataset: 'nvmeprom', bytes, ...(inodes === undefined ? {} : { inodes }) };
      return { ...found, shares: { containers: { ...share, room: left } } };
    };
    expect(codes(room(2_074_000))).toEqual([]);
    expect(blockers(room(2_073_999))[0]).toMatchObject({
      code: 'plan/no-room',
      seen: 'doc1:/mnt/docker needs 2.1 MB, 5 % and 1 KiB for each inode included; nvmeprom has 2.1 MB left',
      next: [expect.stringContaining('zfs list -o space nvmeprom'), expect.stringContaining('exclude')],
    });
    expect(codes(room(9e9, 1050))).toEqual([]);
    expect(blockers(room(9e9, 1049))[0]).toMatchObject({
      code: 'plan/no-room',
      next: [expect.stringContaining('df -i /nvmeprom/containers'), expect.anything()],
    });
  });

  it('must have room for all moves that are still to be copied into the pool', () => {
    const two = `${sampleYaml}  media:
    from: { guest: doc1, path: /mnt/media }
    to: { share: containers, guest: doc2, as: media }
`;
    const found = withSource({ allocatedBytes: 6e11 });
    const docker = found.moves.docker!;
    const both = (claimed: boolean): Findings => {
      const target = { empty: true, claimed, released: false };
      return { ...found, moves: { docker, media: { ...docker, name: 'media', target } } };
    };
    const rooms = (findings: Findings) =>
      blockers(findings, two).filter(({ code }) => code === 'plan/no-room');
    expect(rooms(both(true))).toEqual([]);
    expect(rooms(both(false))[0]?.seen).toContain('doc1:/mnt/docker (together with media) needs 1.3 TB');
  });

  it('with inodes near the limit of virtiofsd blocks, unless the wrapper is there', () => {
    const many = withSource({ inodes: 950_000 });
    expect(codes(withSource({ entries: 950_000, inodes: 400_000 }))).toEqual([]);
    expect(blockers(many)[0]).toMatchObject({
      code: 'plan/too-many-entries',
      // Seen in the lab at the limit: new files can still be made.
      meaning: expect.stringContaining('whatever the guest has not looked up before fails'),
      seen: expect.stringContaining('950,000 inodes will be in reach of doc2'),
      next: [expect.stringContaining('docs/recovery.md'), expect.stringContaining('exclude')],
    });
    const prom = { ...many.nodes.prom!, virtiofsdFileHandles: true };
    expect(codes({ ...many, nodes: { prom } })).toEqual([]);
  });

  it('whose place holds data that drayage did not bring blocks', () => {
    const found = sampleFindings();
    const target = { empty: false, claimed: false, released: false };
    expect(codes({ ...found, moves: { docker: { ...found.moves.docker!, target } } })).toEqual([
      'plan/place-occupied',
    ]);
  });

  it('whose own files lie at the old path blocks', () => {
    const found = sampleFindings();
    expect(
      codes({ ...found, moves: { docker: { ...found.moves.docker!, targetPath: 'occupied' } } }),
    ).toEqual(['plan/target-path-occupied']);
  });

  it('that is off blocks with the command that starts it', () => {
    const found = sampleFindings();
    const { system: _off, ...doc2 } = found.guests.doc2!;
    const off = blockers({ ...found, guests: { ...found.guests, doc2: { ...doc2, running: false } } });
    expect(off.map(({ code }) => code)).toEqual(['plan/guest-off']);
    expect(off[0]?.next).toEqual(['on prom: qm start 114', 'drayage plan']);
  });

  it('with memory hotplug, or without a plain memory size, blocks', () => {
    const found = sampleFindings();
    const doc2 = found.guests.doc2!;
    const vm = (more: object): Findings => ({
      ...found,
      guests: { ...found.guests, doc2: { ...doc2, vm: { ...doc2.vm, ...more } } },
    });
    expect(codes(vm({ hotplug: 'disk,memory' }))).toEqual(['plan/memory-hotplug']);
    expect(codes(vm({ memory: 'current=4096' }))).toEqual(['plan/memory-unset']);
  });

  it('on NixOS takes no carried definitions', () => {
    expect(codes(withSystem('doc2', { os: 'nixos' }))).toEqual(['plan/nixos-carry']);
  });
});

describe('the workloads', () => {
  it('that cannot be made again block, with the way out', () => {
    const create = { ...writer.create!, cannotCarry: 'uses a podman secret' };
    const [first] = blockers(withSystem('doc1', { containers: [{ ...writer, create }] }));
    expect(first?.code).toBe('plan/cannot-carry');
    expect(first?.next[0]).toContain('definitions: present');
  });

  it('with a restart policy block where podman cannot change it', () => {
    expect(codes(withSystem('doc1', { podmanVersion: '4.3.1' }))).toEqual(['plan/podman-too-old']);
  });

  it('that are ignored are left out', () => {
    const yaml = `${sampleYaml}    workloads: { ignore: [writer] }\n`;
    expect(codes(withSystem('doc1', { podmanVersion: '4.3.1' }), yaml)).toEqual([]);
  });

  it('of a user with other ids on the target block', () => {
    const found = sampleFindings();
    const users = found.guests.doc2!.system!.users.map((user) => ({
      ...user,
      subuid: [{ first: 200_000, count: 65_536 }],
    }));
    expect(codes(withSystem('doc2', { users }))).toEqual(['plan/user-differs']);
    expect(codes(withSystem('doc2', { users: [] }))).toEqual(['plan/user-differs']);
  });

  it('whose unit needs other files block', () => {
    expect(codes(withSystem('doc1', { units: [{ ...web, cannotCarry: 'names web.network' }] }))).toEqual([
      'plan/cannot-carry',
    ]);
  });
});
