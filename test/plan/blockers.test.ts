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

describe('the target', () => {
  it('without room blocks', () => {
    expect(codes(withSource({ allocatedBytes: 2e12 }))).toEqual(['plan/no-room']);
  });

  it('with an entry count near the limit of virtiofsd blocks', () => {
    expect(codes(withSource({ entries: 950_000 }))).toEqual(['plan/too-many-entries']);
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

  it('of docker block', () => {
    expect(codes(withSystem('doc1', { containers: [{ ...writer, engine: 'docker' }] }))).toEqual([
      'plan/docker',
    ]);
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
