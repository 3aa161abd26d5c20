import { describe, expect, it } from 'vitest';
import type { ShareConfig } from '../../../src/config/config.ts';
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
    toplevel: '/nix/store/x-system',
    hardware: { path: '/home/me/fleet/hosts/docker-vm/hardware-configuration.nix', wanted: '{ }\n' },
    sops: { recipient: 'age1me', named: true, files: ['secrets/a.yaml'] },
  };

  it('gets secrets, hardware, configuration, and its mounts by hand', () => {
    const made = plan({ os: 'nixos', nixos });
    expect(ids(made).slice(0, 4)).toEqual([
      'host-key doc2',
      'secrets doc2',
      'hardware doc2',
      'configuration doc2',
    ]);
    expect(made.steps.find(({ id }) => id.startsWith('mount-units'))?.byHand).toContain(
      'fsType = "virtiofs"',
    );
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
