import { describe, expect, it } from 'vitest';
import type { Findings, SourceDirectory } from '../../src/inspect/findings.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Operation } from '../../src/plan/operation.ts';
import { planSchema, type Step } from '../../src/plan/plan.ts';
import { sampleConfig, sampleFindings, sampleSource, sampleYaml } from '../support/sample.ts';

const plan = (findings: Findings = sampleFindings(), yaml = sampleYaml) =>
  makePlan(sampleConfig(yaml), findings, '0.1.0');
const step = (id: string, findings?: Findings, yaml?: string): Step => {
  const found = plan(findings, yaml).steps.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no step ${id}`);
  return found;
};
const order = (ids: string[]) => {
  const all = plan().steps.map((candidate) => candidate.id);
  return ids.map((id) => all.indexOf(id));
};
const operations = (): Operation[] =>
  plan().steps.flatMap((candidate) => [...candidate.operations, ...candidate.undo]);

describe('the plan for the mission', () => {
  it('is pure: the same world gives the same plan and id', () => {
    expect(plan()).toEqual(plan());
  });

  it('has an id that does not move with the size of the data', () => {
    const grown = sampleFindings();
    const moved: Findings = {
      ...grown,
      moves: {
        docker: {
          ...grown.moves.docker!,
          source: { state: 'directory', ...sampleSource, entries: 7000, bytes: 4e8 },
        },
      },
    };
    expect(plan(moved).id).toBe(plan().id);
  });

  it('can be written to a file and read back', () => {
    expect(planSchema.parse(JSON.parse(JSON.stringify(plan())))).toEqual(plan());
  });

  it('has no blocker', () => {
    expect(plan().blockers).toEqual([]);
  });

  it('needs only steps that come before', () => {
    const seen = new Set<string>();
    for (const { id, needs } of plan().steps) {
      for (const need of needs) expect(seen, `${id} needs ${need}`).toContain(need);
      seen.add(id);
    }
  });

  it('goes from the dataset to the proof in the order of the written plan', () => {
    const places = order([
      'dataset containers',
      'marker containers',
      'mapping containers',
      'place docker',
      'rescue docker',
      'mount-units docker',
      'conditions docker',
      'device docker',
      'power-cycle docker',
      'mounted docker',
      'images docker',
      'seed docker',
      'definitions docker',
      'fence docker',
      'stop docker',
      'final-pass docker',
      'snapshot docker',
      'release docker',
      'start docker',
      'prove docker',
    ]);
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });
});

describe('the dataset', () => {
  it('is made with ACLs and with attributes in the inode', () => {
    expect(step('dataset containers').operations[0]).toMatchObject({
      host: 'prom',
      argv: [
        'zfs',
        'create',
        '-o',
        'acltype=posixacl',
        '-o',
        'xattr=sa',
        '-o',
        'mountpoint=/nvmeprom/containers',
        'nvmeprom/containers',
      ],
    });
  });

  it('gives its owner to the top only', () => {
    const chowns = operations().filter(
      (operation) => operation.kind === 'run' && operation.argv[0] === 'chown',
    );
    expect(chowns).toHaveLength(1);
    expect(chowns[0]).toMatchObject({ argv: ['chown', '1000:100', '/nvmeprom/containers'] });
  });
});

describe('the mapping', () => {
  it('is made when there is none', () => {
    expect(step('mapping containers').operations[0]).toMatchObject({
      method: 'POST',
      path: '/cluster/mapping/dir',
      params: { id: 'containers', map: ['node=prom,path=/nvmeprom/containers'] },
    });
  });

  it('keeps the entries of other nodes, because PUT replaces the whole list', () => {
    const found = sampleFindings();
    const findings: Findings = {
      ...found,
      cluster: {
        ...found.cluster,
        mappings: [
          { id: 'containers', entries: [{ node: 'maint', path: '/srv/containers' }], digest: 'abc' },
        ],
      },
    };
    expect(step('mapping containers', findings).operations[0]).toMatchObject({
      method: 'PUT',
      path: '/cluster/mapping/dir/containers',
      params: {
        map: ['node=maint,path=/srv/containers', 'node=prom,path=/nvmeprom/containers'],
        digest: 'abc',
      },
    });
  });

  it('is refused when it already points this node elsewhere', () => {
    const found = sampleFindings();
    const findings: Findings = {
      ...found,
      cluster: {
        ...found.cluster,
        mappings: [{ id: 'containers', entries: [{ node: 'prom', path: '/other' }], digest: 'abc' }],
      },
    };
    expect(plan(findings).blockers.map((blocker) => blocker.code)).toEqual(['plan/mapping-elsewhere']);
  });
});

describe('the virtiofs device', () => {
  it('exposes ACLs and attributes when the source has them', () => {
    expect(step('device docker').operations[0]).toMatchObject({
      method: 'PUT',
      path: '/nodes/prom/qemu/114/config',
      params: { virtiofs0: 'dirid=containers,expose-acl=1,expose-xattr=1', digest: 'd'.repeat(40) },
    });
  });
});

describe('the virtiofs device of a source with file capabilities alone', () => {
  it('exposes extended attributes: the guest would not see the capabilities', () => {
    const found = sampleFindings();
    const source = { state: 'directory' as const, ...sampleSource, acls: 0, xattrs: 0, capabilities: 1 };
    const device = makePlan(
      sampleConfig(),
      { ...found, moves: { docker: { ...found.moves.docker!, source } } },
      '0.1.0',
    ).steps.find(({ id }) => id === 'device docker');
    expect(device?.operations[0]).toMatchObject({
      params: { virtiofs0: 'dirid=containers,expose-xattr=1' },
    });
    expect(device?.why).toContain('uses file capabilities, which');
  });
});

describe('law 4: deletes stay inside the marked share', () => {
  it('guards every operation that writes into the share by the mount and the marker', () => {
    for (const operation of operations()) {
      const text = JSON.stringify(operation);
      const intoShare =
        operation.kind === 'copy' ||
        (operation.kind === 'write' && operation.path.startsWith('/nvmeprom/containers/'));
      if (!intoShare || text.includes('"what":"the marker"')) continue;
      const guards = (operation.guards ?? []).map((guard) => guard.what);
      expect(guards, operation.what).toContain('/nvmeprom/containers is mounted');
      expect(guards, operation.what).toContain('/nvmeprom/containers carries the marker of share containers');
    }
  });

  it('deletes only what a list names, or in the last pass, with a cap, from a source that is looked at again', () => {
    const copies = operations().filter((operation) => operation.kind === 'copy');
    const deleting = (argv: readonly string[] | undefined) =>
      argv?.filter((argument) => argument.startsWith('--delete')) ?? 'none';
    expect(
      copies.map(({ pass, argv, partArgv, listArgv }) => [pass, ...[argv, partArgv, listArgv].map(deleting)]),
    ).toEqual([
      ['seed', [], [], ['--delete-missing-args']],
      ['final', ['--delete-delay'], 'none', ['--delete-missing-args']],
    ]);
    for (const copy of copies) {
      expect((copy.guards ?? []).map((guard) => guard.kind)).toContain('source');
      expect(copy).toMatchObject({ maxDelete: 1000, maxShare: 0.25 });
      expect(copy.listArgv).toContain('--max-delete=1000');
    }
  });

  it('copies nothing over a share that was released', () => {
    for (const operation of operations().filter((candidate) => candidate.kind === 'copy')) {
      expect((operation.guards ?? []).map((guard) => guard.what)).toContain(
        'docker was not handed over to doc2 yet',
      );
    }
  });
});

describe('law 2: one writer', () => {
  it('releases only while the source is fenced, stopped and quiet, and doc2 sees the marker', () => {
    const release = step('release docker').operations[0]!;
    const guards = (release.guards ?? []).map((guard) => guard.what);
    expect(guards).toContain('no process on doc1 has a file below /mnt/docker open');
    expect(guards).toContain('writer has restart policy no');
    expect(guards).toContain('/etc/systemd/system/web.service.d/50-drayage-fence.conf is as planned');
    expect(guards).toContain('doc2 sees the marker through virtiofs');
  });

  it('makes containers on doc2 without a restart policy until they are started', () => {
    const create = step('definitions docker').operations.find(
      (operation) => operation.what === 'make container writer',
    );
    expect(create).toMatchObject({ host: 'doc2' });
    expect(JSON.stringify(create)).toContain('"--restart","no"');
  });

  it('lets the units of doc2 start only on the mounted, marked and released share', () => {
    const write = step('conditions docker').operations.find(
      (operation) => operation.what === 'conditions of web.service',
    );
    expect(write).toMatchObject({ path: '/etc/systemd/system/web.service.d/50-drayage.conf' });
    const content = (write as { content: string }).content;
    expect(content).toContain('AssertPathIsMountPoint=/mnt/docker');
    expect(content).toContain('AssertPathExists=/mnt/containers/.drayage/share.json');
    expect(content).toContain('AssertPathExists=/mnt/containers/.drayage/moves/docker/released');
    expect(content).toContain('BindsTo=mnt-docker.mount');
  });
});

describe('law 9: no silent loss', () => {
  it('remembers for good that the target may have written, before it is released', () => {
    expect(
      step('release docker').operations.map((operation) => (operation as { path?: string }).path),
    ).toEqual([
      '/nvmeprom/containers/.drayage/moves/docker/handed-over',
      '/nvmeprom/containers/.drayage/moves/docker/released',
    ]);
  });

  it('takes nothing back on the source once the target may have written', () => {
    const undone = plan().steps.flatMap((candidate) => (candidate.move === undefined ? [] : candidate.undo));
    expect(undone.length).toBeGreaterThan(0);
    for (const operation of undone) {
      expect((operation.guards ?? []).map((guard) => guard.what)).toContain(
        'docker was not handed over to doc2 yet',
      );
    }
  });

  it('destroys the dataset only while no move has a claim in it, and nothing of others', () => {
    const [destroy, ...more] = step('dataset containers').undo;
    expect(more).toEqual([]);
    expect((destroy as { argv: string[] }).argv).toEqual(['zfs', 'destroy', 'nvmeprom/containers']);
    expect((destroy?.guards ?? []).map((guard) => guard.what)).toContain(
      "nothing but drayage's own folder is left in /nvmeprom/containers, and no move has a claim",
    );
  });

  it('asks which side is wanted when the release was taken away by hand', () => {
    const found = sampleFindings();
    const target = { empty: false, claimed: true, released: false, handedOver: true };
    const [blocked] = plan({ ...found, moves: { docker: { ...found.moves.docker!, target } } }).blockers;
    expect(blocked?.code).toBe('plan/handed-over');
    expect(blocked?.next[0]).toContain('drayage rollback --move docker');
    expect(blocked?.next[1]).toContain('rm /nvmeprom/containers/.drayage/moves/docker/handed-over');
  });
});

describe('a workload that uses the paths of two moves', () => {
  it('blocks both', () => {
    const yaml = sampleYaml
      .replace('path: /mnt/docker }', 'path: /mnt/docker/web }')
      .concat(
        '  notes:\n    from: { guest: doc1, path: /mnt/docker/notes }\n    to: { share: containers, guest: doc2, as: notes }\n',
      );
    const found = sampleFindings();
    const doc1 = found.guests.doc1!;
    const both = { ...doc1.system!.units[0]!, paths: ['/mnt/docker/web', '/mnt/docker/notes'] };
    const source = found.moves.docker!;
    const findings: Findings = {
      ...found,
      guests: {
        ...found.guests,
        doc1: { ...doc1, system: { ...doc1.system!, units: [both], containers: [] } },
      },
      moves: { docker: source, notes: { ...source, name: 'notes' } },
    };
    expect(plan(findings, yaml).blockers.map(({ code }) => code)).toContain('plan/workload-in-two-moves');
  });
});

describe('the order of starting', () => {
  it("is root's units before those of users, which may wait for what root's bring up", () => {
    const started = step('start docker').operations.map((operation) => operation.what);
    expect(started.indexOf('start web.service')).toBeLessThan(
      started.indexOf('start notes.service of notes'),
    );
  });
});

describe('law 1: the source is untouched', () => {
  it('writes nothing below the source path on the source guest', () => {
    for (const operation of operations()) {
      if (operation.kind === 'write' && operation.host === 'doc1')
        expect(operation.path).not.toMatch(/^\/mnt\/docker/);
      if (operation.kind === 'run' && operation.host === 'doc1') {
        expect(['install', 'rm', 'systemctl', 'podman', 'runuser']).toContain(operation.argv[0]);
        expect(operation.argv.join(' ')).not.toContain('/mnt/docker');
      }
    }
  });
});

describe('law 7: secrets stay secret', () => {
  it('names variables and never their values', () => {
    const create = step('definitions docker').operations.find(
      (operation) => operation.what === 'make container writer',
    );
    expect(create).toMatchObject({ stdin: { host: 'doc1', shownAs: expect.stringContaining('TOKEN') } });
  });
});

describe('path continuity', () => {
  it('mounts the share at a path of its own and the place at the old path', () => {
    const written = step('mount-units docker').operations.filter((operation) => operation.kind === 'write');
    expect(written.map((operation) => operation.path)).toEqual([
      '/etc/systemd/system/mnt-containers.mount',
      '/etc/systemd/system/mnt-docker.mount',
    ]);
  });

  it('mounts the share at the old path when the move takes its top', () => {
    const top = sampleYaml.replace('guest: doc2 }', 'guest: doc2, as: . }');
    const written = step('mount-units docker', undefined, top).operations.filter(
      (operation) => operation.kind === 'write',
    );
    expect(written.map((operation) => operation.path)).toEqual(['/etc/systemd/system/mnt-docker.mount']);
  });

  it('gives a NixOS guest a module to import, and writes nothing there', () => {
    const found = sampleFindings();
    const doc2 = found.guests.doc2!;
    const nixos: Findings = {
      ...found,
      guests: { ...found.guests, doc2: { ...doc2, system: { ...doc2.system!, os: 'nixos' } } },
    };
    const mounts = step('mount-units docker', nixos);
    expect(mounts.operations).toEqual([]);
    expect(mounts.byHand).toContain('fsType = "virtiofs";');
  });

  it('fences the timers of a unit too: after a reboot they would be active again', () => {
    const found = sampleFindings();
    const doc1 = found.guests.doc1!;
    const timer = {
      name: 'web.timer',
      active: true,
      enabled: true,
      sourcePath: '/etc/systemd/system/web.timer',
      sha256: '4'.repeat(64),
    };
    const units = doc1.system!.units.map((unit) =>
      unit.name === 'web.service' ? { ...unit, timers: [timer] } : unit,
    );
    const withTimer: Findings = {
      ...found,
      guests: { ...found.guests, doc1: { ...doc1, system: { ...doc1.system!, units } } },
    };
    const { operations, undo } = step('fence docker', withTimer);
    const path = '/etc/systemd/system/web.timer.d/50-drayage-fence.conf';
    expect(operations.some((operation) => operation.kind === 'write' && operation.path === path)).toBe(true);
    expect(undo.some((operation) => operation.kind === 'run' && operation.argv.includes(path))).toBe(true);
  });

  it('fences the units of a NixOS guest where the machine may write', () => {
    const found = sampleFindings();
    const doc1 = found.guests.doc1!;
    const system = { ...doc1.system!, os: 'nixos' };
    const nixos: Findings = { ...found, guests: { ...found.guests, doc1: { ...doc1, system } } };
    const written = step('fence docker', nixos).operations.flatMap((operation) =>
      operation.kind === 'write' ? operation.path : [],
    );
    const folders = system.units.map(({ user }) =>
      user === undefined
        ? '/etc/systemd/system.control'
        : `${system.users.find(({ name }) => name === user)!.home}/.config/systemd/user.control`,
    );
    expect(written.length).toBeGreaterThan(0);
    expect(written.every((path) => folders.some((folder) => path.startsWith(`${folder}/`)))).toBe(true);
  });
});

describe('what the token may not do', () => {
  it('blocks before the work, with the commands that grant it', () => {
    const found = sampleFindings();
    const missing = {
      subject: 'token drayage@pve!mover',
      what: 'stopping and starting virtual machine 114',
      seen: 'VM.PowerMgmt on /vms/114 is missing',
      next: 'on the node: pveum acl modify /vms/114; first, if the role lacks it: pveum role modify Drayage',
    };
    const findings: Findings = { ...found, cluster: { ...found.cluster, missingPrivileges: [missing] } };
    expect(plan(findings).blockers).toEqual([
      expect.objectContaining({
        code: 'plan/missing-privilege',
        seen: 'token drayage@pve!mover: VM.PowerMgmt on /vms/114 is missing (for stopping and starting virtual machine 114)',
        next: [
          'on the node: pveum acl modify /vms/114',
          'first, if the role lacks it: pveum role modify Drayage',
        ],
      }),
    ]);
  });
});

describe('a source that is itself the top of a share', () => {
  const found = sampleFindings();
  const findings: Findings = {
    ...found,
    moves: {
      docker: {
        ...found.moves.docker!,
        source: { state: 'directory', ...sampleSource, hasShareFolder: true },
      },
    },
  };

  it('blocks, and says how to leave its marker behind', () => {
    expect(plan(findings).blockers).toEqual([
      expect.objectContaining({
        code: 'plan/source-has-marker',
        move: 'docker',
        seen: '/mnt/docker/.drayage on doc1',
        next: [
          'ssh root@doc1 ls -la /mnt/docker/.drayage',
          'leave it behind: moves.docker.exclude: [.drayage] in drayage.yaml',
          'or choose another path: moves.docker.from.path',
        ],
      }),
    ]);
  });

  it('is moved when the marker is left behind', () => {
    const yaml = `${sampleYaml}    exclude: [.drayage]\n`;
    expect(plan(findings, yaml).blockers).toEqual([]);
  });
});

describe('how a move is copied', () => {
  const planned = (more: Partial<SourceDirectory>, yaml?: string) => {
    const found = sampleFindings();
    const moves = {
      docker: { ...found.moves.docker!, source: { state: 'directory' as const, ...sampleSource, ...more } },
    };
    const made = makePlan(sampleConfig(yaml), { ...found, moves }, '0');
    const copies = made.steps
      .flatMap(({ operations }) => operations)
      .filter((operation) => operation.kind === 'copy');
    return { plan: made, seed: copies[0]!, final: copies[1]! };
  };

  it.each(['ext4', 'xfs', 'btrfs'])('goes by lists of changes on %s', (fsType) => {
    const { seed, final } = planned({ fsType });
    expect(seed).toMatchObject({ rounds: { most: 5, settled: 500, processes: 4 } });
    for (const { full, listArgv } of [seed, final]) {
      expect(full).toBeUndefined();
      expect(listArgv).toContain('--files-from=-');
    }
  });

  it('goes over everything, and says why and what helps, where rsync on the node does not delete by a list', () => {
    const found = sampleFindings();
    const said = 'invalid file mode 00 for x [Receiver]';
    const prom = {
      ...found.nodes.prom!,
      rsyncVersion: '3.2.7',
      rsyncRefuses: { what: 'deletions' as const, said },
    };
    const made = makePlan(sampleConfig(), { ...found, nodes: { prom } }, '0');
    expect(made.blockers).toEqual([]);
    const because = `rsync 3.2.7 on prom does not delete by a list (${said})`;
    for (const id of ['seed docker', 'final-pass docker'])
      expect(made.steps.find((each) => each.id === id)?.operations[0]).toMatchObject({ full: because });
    expect(made.notes).toContainEqual(expect.stringContaining('An update of rsync on prom'));
    expect(made.estimates.docker!.window.copy).toBeGreaterThan(
      planned({}).plan.estimates.docker!.window.copy,
    );
  });

  it.each<[string, Partial<SourceDirectory>, string]>([
    ['a file system whose ctime was not tried', { fsType: 'zfs' }, '/mnt/docker is zfs: only on ext4'],
    ['a mount inside', { submounts: ['/mnt/docker/media'] }, '/mnt/docker/media is mounted inside'],
  ])('goes over everything, and says why, with %s', (_what, more, because) => {
    const exclude = ['    exclude: [media]'];
    const { plan: made, seed, final } = planned(more, `${sampleYaml.trimEnd()}\n${exclude.join('\n')}\n`);
    for (const { full } of [seed, final]) expect(full).toContain(because);
    expect(made.blockers).toEqual([]);
    expect(made.steps.find(({ id }) => id === 'final-pass docker')?.why).toContain(because);
    expect(made.estimates.docker?.window.copy).toBeGreaterThan(
      planned({}).plan.estimates.docker!.window.copy,
    );
  });

  it('makes as many passes as drayage.yaml allows, with as many processes', () => {
    const yaml = `${sampleYaml.trimEnd()}\n    copy: { rounds: 2, settled: 9, processes: 1 }\n`;
    const { seed, plan: made } = planned({}, yaml);
    expect(seed).toMatchObject({ rounds: { most: 2, settled: 9, processes: 1 } });
    expect(made.steps.find(({ id }) => id === 'seed docker')?.why).toContain(
      'until at most 9 entries change, at most 2 times',
    );
  });

  it('projects a window that adds up', () => {
    const { windowSeconds, window, workloads } = planned({}).plan.estimates.docker!;
    expect(workloads).toBe(3);
    expect(window.stop + window.copy + window.release + window.start).toBe(windowSeconds);
  });

  it('projects a window that hardly grows with the tree', () => {
    const of = (entries: number) => planned({ entries }).plan.estimates.docker!.windowSeconds;
    expect(of(1_000_000) - of(1000)).toBeLessThanOrEqual(10);
  });
});
