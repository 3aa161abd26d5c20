import { describe, expect, it } from 'vitest';
import type { ShareConfig } from '../../../src/config/config.ts';
import { isAsLaid } from '../../../src/nix/laid-module.ts';
import type { IntegrateFacts, IntegratePart, NixosFacts } from '../../../src/plan/guest/integrate-facts.ts';
import { makeIntegration } from '../../../src/plan/guest/make-integrate.ts';
import { sampleConfig, sampleFindings } from '../../support/sample.ts';

const config = sampleConfig();
const share = config.shares.containers as ShareConfig;

const facts = (more: Partial<IntegrateFacts> = {}): IntegrateFacts => ({
  file: {
    path: '/home/me/drayage.yaml',
    text: 'guests:\n  doc2: { vmid: 114 }\n',
    sha256: 'f'.repeat(64),
    mode: '0644',
  },
  name: 'doc2',
  vmid: 114,
  destination: 'root@10.0.0.7',
  sudo: false,
  entered: { vmid: 114 },
  hostKey: { type: 'ssh-ed25519', key: 'AAAA', fingerprint: 'SHA256:abc', by: 'agent' },
  knownHosts: { file: '/home/me/.ssh/known_hosts', name: '10.0.0.7' },
  os: 'debian',
  missingTools: [],
  running: ['web'],
  findings: sampleFindings(),
  ...more,
});

const plan = (more: Partial<IntegrateFacts> = {}, skip: IntegratePart[] = [], shares = [share]) =>
  makeIntegration(config, facts(more), { skip, shares }, '0.1.0');
const ids = (made: ReturnType<typeof plan>) => made.steps.map(({ id }) => id);

describe('fitting a guest in', () => {
  it('is its key, the share from its dataset to its mount, and its entry', () => {
    expect(ids(plan())).toEqual([
      'host-key doc2',
      'dataset containers',
      'marker containers',
      'mapping containers',
      'mount-units doc2-containers',
      'device doc2-containers',
      'power-cycle doc2-containers',
      'mounted doc2-containers',
      'reachable doc2',
      'enter-guest doc2',
    ]);
    expect(plan().blockers).toEqual([]);
  });

  it('needs only steps that it has', () => {
    const { steps } = plan();
    const known = steps.map(({ id }) => id);
    for (const step of steps) for (const need of step.needs) expect(known).toContain(need);
  });

  it('mounts the share alone: where workloads look for a move is the business of the move', () => {
    const writes = plan().steps.flatMap(({ operations }) =>
      operations.filter(({ kind }) => kind === 'write'),
    );
    expect(writes.map((write) => 'path' in write && write.path)).toEqual([
      '/nvmeprom/containers/.drayage/share.json',
      '/etc/systemd/system/mnt-containers.mount',
      '/home/me/drayage.yaml',
    ]);
    expect(JSON.stringify(plan())).not.toContain('/mnt/docker');
  });

  it('says which containers stop with the guest', () => {
    expect(plan().steps.find(({ id }) => id.startsWith('power-cycle'))?.why).toContain('web');
  });

  it.each([
    ['known-hosts', /^host-key/],
    ['share', /^(dataset|device|mounted|mount-units|power-cycle)/],
    ['entry', /^(reachable|enter-guest)/],
  ] as const)('leaves out %s when asked to', (part, gone) => {
    expect(ids(plan({}, [part])).filter((id) => gone.test(id))).toEqual([]);
  });

  it('says whose word the key is', () => {
    expect(plan().steps[0]?.why).toContain('guest agent');
    const key = { ...facts().hostKey, by: 'operator' as const };
    expect(plan({ hostKey: key }).steps[0]?.why).toContain('console');
  });

  it('enters in hosts.nix what is known of it, and says what could not be edited', () => {
    const edit = {
      ...{ path: '/f/hosts.nix', before: '{\n}\n', after: '{\n  a = 1;\n}\n', mode: '0644' },
      ...{ owner: { uid: 0, gid: 0 }, attribute: 'doc2.localIp', evaluated: true },
    };
    const hosts = { file: '/f/hosts.nix', edit, byHand: ['/f/hosts.nix:3:1: computed\npublicKey = "k";'] };
    const made = plan({ hosts });
    expect(ids(made).slice(0, 2)).toEqual(['host-key doc2', 'fleet doc2.localIp']);
    expect(made.steps[1]).toMatchObject({ phase: 'guest doc2', operations: [{ excerpt: '+  a = 1;' }] });
    expect(made.notes.join()).toContain('/f/hosts.nix is not edited there:\n/f/hosts.nix:3:1: computed');
    expect(ids(plan({ hosts }, ['hosts']))).not.toContain('fleet doc2.localIp');
    expect(ids(plan({ hosts: { file: '/f/hosts.nix', byHand: [] } }))).not.toContain('fleet doc2.localIp');
    const tofu = { ...config, tofu: { folder: 'tofu', provider: '0.111.1', providerFile: true } };
    const noted = makeIntegration(tofu, facts({ hosts }), { skip: [], shares: [] }, '0.1.0').notes;
    expect(noted.join()).toContain('drayage tofu generate');
  });

  it('without a share says so', () => {
    expect(plan({}, [], []).notes.join()).toContain('--share');
  });
});

describe('what keeps a guest out', () => {
  const findings = sampleFindings();
  const guest = findings.guests.doc2;
  if (guest === undefined) throw new Error('the sample has doc2');
  const withGuest = (more: object) => ({
    findings: { ...findings, guests: { doc2: { ...guest, ...more } } },
  });
  it.each([
    [
      'another key in known_hosts',
      { knownHosts: { ...facts().knownHosts, other: 'SHA256:old' } },
      'guest/other-host-key',
      /ssh-keygen -R '10.0.0.7'/,
    ],
    ['another node', withGuest({ node: 'maint' }), 'plan/guest-on-another-node', /qm migrate 114/],
    [
      'memory hotplug',
      withGuest({ vm: { ...guest.vm, hotplug: 'disk,memory' } }),
      'plan/memory-hotplug',
      /--hotplug network,disk,usb/,
    ],
    [
      'memory of another form',
      withGuest({ vm: { ...guest.vm, memory: 'current=4096' } }),
      'plan/memory-unset',
      /--memory 4096/,
    ],
    [
      'a tool that is missing',
      { missingTools: ['chattr'] },
      'plan/missing-tool',
      /apt-get install e2fsprogs/,
    ],
  ])('%s', (_, more, code, way) => {
    const { blockers } = plan(more as Partial<IntegrateFacts>);
    expect(blockers.map((one) => one.code)).toEqual([code]);
    expect(blockers[0]?.next.join('\n')).toMatch(way);
  });
});

describe('a NixOS guest', () => {
  const nixos: NixosFacts = {
    folder: '/home/me/fleet',
    attribute: 'docker-vm',
    hostsFile: '/home/me/fleet/hosts.nix',
    inGit: true,
    toplevel: '/nix/store/x-system',
    hardware: { path: '/home/me/fleet/hosts/docker-vm/hardware-configuration.nix', wanted: '{ }\n' },
    sops: { recipient: 'age1me', named: true, files: ['secrets/a.yaml'] },
  };

  const path = '/home/me/fleet/hosts/docker-vm/drayage.nix';
  const laid = (more: Partial<NonNullable<NixosFacts['module']>> = {}) => ({
    ...nixos,
    module: { path, ...more },
  });
  const written = (made: ReturnType<typeof plan>) => {
    const operation = made.steps.find(({ id }) => id === 'module doc2')?.operations[0];
    return operation?.kind === 'write' && typeof operation.content === 'string' ? operation.content : '';
  };

  it('gets files and the device, then its configuration, which mounts', () => {
    const made = plan({ os: 'nixos', nixos: laid() });
    expect(ids(made)).toEqual([
      'host-key doc2',
      'secrets doc2',
      'hardware doc2',
      'module doc2',
      'dataset containers',
      'marker containers',
      'mapping containers',
      'device doc2-containers',
      'power-cycle doc2-containers',
      'configuration doc2',
      'mount-units doc2-containers',
      'mounted doc2-containers',
      'reachable doc2',
      'enter-guest doc2',
    ]);
    for (const [index, { needs }] of made.steps.entries())
      for (const need of needs) expect(ids(made).slice(0, index)).toContain(need);
    const units = made.steps.find(({ id }) => id.startsWith('mount-units'));
    expect(units?.byHand).toContain('fsType = "virtiofs"');
    expect(units?.byHand).toContain(path);
  });

  it('gets a module beside its configuration, which git is told of and a second run leaves', () => {
    const made = plan({ os: 'nixos', nixos: laid() });
    const text = written(made);
    expect(text).toContain('"/mnt/containers" = {');
    expect(text).not.toContain('AssertPathExists');
    expect(isAsLaid(text)).toBe(true);
    expect(made.steps.find(({ id }) => id === 'module doc2')?.operations[1]).toMatchObject({
      argv: ['git', '-C', '/home/me/fleet', 'add', '--intent-to-add', '--', path],
    });
    expect(made.notes.join()).toContain('imports = [ ./drayage.nix ];');
    const again = plan({ os: 'nixos', nixos: laid({ present: text, importedBy: 'configuration.nix' }) });
    expect(written(again)).toBe(text);
    expect(again.notes).toEqual([]);
    expect(written(plan({ os: 'nixos', nixos: laid() }, ['module']))).toBe('');
    expect(written(plan({ os: 'nixos', nixos: laid() }, ['share']))).toBe('');
  });

  it('gets the conditions of its workloads where the sources were looked at, and keeps them', () => {
    const moves = sampleFindings();
    const full = written(plan({ os: 'nixos', nixos: laid(), moves }));
    expect(full).toContain('"/mnt/docker" = {');
    expect(full).toContain('AssertPathExists');
    expect(written(plan({ os: 'nixos', nixos: laid({ present: full }) }))).toBe(full);
    const unseen = plan({ os: 'nixos', nixos: laid(), moves: { ...moves, moves: {} } });
    expect(written(unseen)).toBe('');
    expect(unseen.notes.join()).toContain('docker cannot be told');
  });

  it('keeps a module that somebody has changed', () => {
    const changed = `${written(plan({ os: 'nixos', nixos: laid() }))}# mine\n`;
    const made = plan({ os: 'nixos', nixos: laid({ present: changed }) });
    expect(ids(made)).not.toContain('module doc2');
    expect(made.notes.join()).toContain(`${path} is not as drayage has laid it, and stays`);
  });

  it('is in place by what the flake makes of it, but not while a file of the flake becomes another', () => {
    const probe = (more: Partial<IntegrateFacts>) =>
      plan({ os: 'nixos', ...more }).steps.find(({ id }) => id === 'configuration doc2')?.probe.length;
    const hardware = { ...nixos.hardware, path: '/h.nix', wanted: '{ }\n', present: '{ }\n' };
    const text = written(plan({ os: 'nixos', nixos: laid() }));
    const settled = { ...laid({ present: text }), hardware };
    expect(probe({ nixos: settled })).toBe(1);
    expect(probe({ nixos: { ...settled, module: { path } } })).toBe(0);
    expect(probe({ nixos: laid({ present: text }) })).toBe(0);
  });

  it('is built here and switched by a unit of its own', () => {
    const step = plan({ os: 'nixos', nixos }).steps.find(({ id }) => id === 'configuration doc2');
    const argv = step?.operations.map((operation) =>
      operation.kind === 'run' ? [operation.host, ...operation.argv] : [],
    );
    expect(argv?.[0]).toEqual([
      ...['controller', 'nixos-rebuild', 'boot', '--flake', '/home/me/fleet#docker-vm'],
      ...['--target-host', 'root@10.0.0.7'],
    ]);
    expect(argv?.[2]?.slice(0, 3)).toEqual(['doc2', 'systemd-run', '--no-block']);
  });

  it('keeps a hardware configuration that the operator has written', () => {
    const own = { ...nixos, hardware: { path: '/x.nix', wanted: '{ }\n', present: '{ own = 1; }\n' } };
    const made = plan({ os: 'nixos', nixos: own });
    expect(ids(made)).not.toContain('hardware doc2');
    expect(made.notes.join()).toContain('/x.nix differs');
  });

  it('that .sops.yaml does not name is for the operator to name', () => {
    const unnamed = { ...nixos, sops: { recipient: 'age1me', named: false, files: [] } };
    const step = plan({ os: 'nixos', nixos: unnamed }).steps.find(({ id }) => id === 'secrets doc2');
    expect(step?.byHand).toContain('- &doc2 age1me');
  });

  it('without a hosts.nix is left to the operator', () => {
    expect(plan({ os: 'nixos' }).notes.join()).toContain('hosts.file');
  });
});
