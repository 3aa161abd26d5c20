import { beforeEach, describe, expect, it } from 'vitest';
import type { Config, MoveConfig } from '../../src/config/config.ts';
import { isReadOnly } from '../../src/guest/read-only.ts';
import type { Findings } from '../../src/inspect/findings.ts';
import { inspect } from '../../src/inspect/inspect.ts';
import { printFindings } from '../../src/inspect/print.ts';
import type { ProxmoxReader } from '../../src/inspect/proxmox-reader.ts';
import { sshError } from '../../src/ssh/errors.ts';
import type { Host } from '../../src/ssh/host.ts';
import { doc1, doc2, fakeHost, prom } from './fake-guest.ts';

const move: MoveConfig = {
  name: 'docker',
  phase: 'all',
  from: { guest: 'doc1', path: '/mnt/docker', mounted: false },
  to: { share: 'containers', guest: 'doc2', as: 'doc1', path: '/nvmeprom/containers/doc1' },
  definitions: 'carry',
  ignore: [],
  alsoUnits: [],
  exclude: [],
  databases: {},
  maxDelete: 1000,
  copy: { rounds: 5, settled: 500, processes: 4 },
};

const guest = (name: string, vmid: number) => ({ name, vmid, ssh: name, sudo: false, sshFromNode: name });

const config: Config = {
  file: 'drayage.yaml',
  cluster: {},
  ssh: {},
  nodes: { prom: { name: 'prom', ssh: 'root@prom' } },
  guests: { doc1: guest('doc1', 104), doc2: guest('doc2', 114) },
  shares: {
    containers: {
      name: 'containers',
      node: 'prom',
      dataset: 'nvmeprom/containers',
      pool: 'nvmeprom',
      path: '/nvmeprom/containers',
      mapping: 'containers',
      owner: { uid: 1000, gid: 100 },
      mode: '0755',
      mount: '/mnt/containers',
      cache: 'auto',
    },
  },
  moves: { docker: move },
  phases: [{ name: 'all', moves: ['docker'] }],
};

const vms = [{ vmid: 104, name: 'doc1', node: 'prom', running: true }];

const proxmox = (stopped: readonly number[] = []): ProxmoxReader => ({
  cluster: async () => ({
    cluster: {
      version: '9.1.4',
      quorate: true,
      nodes: [{ name: 'prom', online: true }],
      mappings: [],
      vms,
    },
    notSeen: [],
  }),
  vm: async (vmid) => ({
    vm: {
      vmid,
      node: 'prom',
      running: !stopped.includes(vmid),
      vm: { digest: 'd', agent: true, pciPassthrough: [], virtiofs: [] },
    },
    notSeen: [],
  }),
});

let asked: string[];
let machines: Record<string, Host>;

beforeEach(() => {
  asked = [];
  machines = {
    prom: fakeHost('prom', prom, asked),
    doc1: fakeHost('doc1', doc1, asked),
    doc2: fakeHost('doc2', doc2, asked),
  };
});

const look = (stopped: readonly number[] = []): Promise<Findings> =>
  inspect({
    config,
    hosts: (name) => machines[name] as Host,
    proxmox: proxmox(stopped),
    now: '2026-11-23T12:00:00Z',
  });

describe('an inspection', () => {
  it('sees containers of root and of users, quadlets, and services with their timers', async () => {
    const system = (await look()).guests.doc1?.system;
    expect(system?.containers.map(({ name, user, unit }) => [name, user, unit])).toEqual([
      ['writer', undefined, undefined],
      ['web', undefined, 'web.service'],
      ['notes', 'notes', undefined],
    ]);
    expect(system?.units).toEqual([
      {
        name: 'web.service',
        active: true,
        unitFileState: 'generated',
        sourcePath: '/etc/containers/systemd/web.container',
        quadlet: true,
        sha256: 'a'.repeat(64),
        paths: ['/mnt/docker/web'],
        image: 'localhost/lab/web:1',
        triggeredBy: [],
        startsAtBoot: true,
        timers: [],
      },
      {
        name: 'report.service',
        active: false,
        unitFileState: 'static',
        sourcePath: '/etc/systemd/system/report.service',
        quadlet: false,
        sha256: 'a'.repeat(64),
        paths: ['/mnt/docker/report'],
        triggeredBy: ['report.timer'],
        startsAtBoot: false,
        timers: [
          {
            name: 'report.timer',
            active: true,
            enabled: true,
            sourcePath: '/etc/systemd/system/report.timer',
            sha256: 'a'.repeat(64),
          },
        ],
      },
    ]);
    expect(system).toMatchObject({
      podmanRestart: true,
      timers: [{ unit: 'podman-auto-update.timer', enabled: false }],
      stores: [{ graphRoot: '/mnt/docker/.store' }, { user: 'notes' }],
      mounts: [{ target: '/' }],
    });
  });

  it('leaves an image store inside the source path out of the count', async () => {
    const findings = await look();
    expect(findings.moves.docker?.source).toMatchObject({ entries: 2, imageStores: ['.store'] });
    expect(asked.find((command) => command.startsWith('env LC_ALL=C find'))).toContain(
      '-path /mnt/docker/.store -prune',
    );
  });

  it('sees what is at the path on the target, and that the dataset is not there yet', async () => {
    const findings = await look();
    expect(findings.moves.docker?.targetPath).toBe('missing');
    expect(findings.shares.containers).toEqual({ name: 'containers', occupied: false });
    expect(findings.nodes.prom).toMatchObject({
      hostname: 'prom',
      pveVersion: 'pve-manager/9.1.4/5ac30304265fbd8e',
      zfsVersion: '2.3.4-pve1',
      virtiofsd: true,
      pools: [{ name: 'nvmeprom', health: 'ONLINE' }],
    });
  });

  it('resolves the source path, where a folder above it is a link', async () => {
    expect((await look()).moves.docker?.source).toMatchObject({ realPath: '/mnt/docker' });
    machines.doc1 = fakeHost('doc1', [[/^readlink -f/, '/data/docker\n'], ...doc1]);
    const findings = await look();
    expect(findings.moves.docker?.source).toMatchObject({ realPath: '/data/docker' });
    expect(printFindings(findings, config)).toMatch(/Really +\/data\/docker/);
  });

  it('looks on the target for paths that the workloads bind and no move brings', async () => {
    const quadlet = `[Container]\nImage=web\nVolume=/mnt/docker/web:/data\nVolume=/srv/media:/media\nVolume=/etc/localtime:/etc/localtime\n`;
    machines.doc1 = fakeHost('doc1', [[/^cat \/etc\/containers\/systemd\/web/, quadlet], ...doc1]);
    machines.doc2 = fakeHost('doc2', [[/^test -e \/etc\/localtime/, ''], ...doc2], asked);
    const findings = await look();
    expect(findings.moves.docker?.missingOnTarget).toEqual(['/srv/media']);
    expect(asked.filter((command) => /^test -e \/mnt\/docker/.test(command))).toEqual([]);
    expect(printFindings(findings, config)).toMatch(/Missing there +\/srv\/media/);
  });

  it('runs nothing but commands that look', async () => {
    await look();
    expect(asked.length).toBeGreaterThan(50);
    expect(asked.filter((command) => !isReadOnly(command.split(' ')))).toEqual([]);
  });

  it('does not ask podman where it was never used: asking makes a store', async () => {
    machines.doc1 = fakeHost('doc1', doc1);
    await look();
    expect(asked.filter((command) => /podman (ps|images)/.test(command))).toEqual([]);
  });

  it('keeps no value of a variable', async () => {
    expect(JSON.stringify(await look())).not.toContain('hunter2');
  });

  it('names a guest that is switched off, and does not call it', async () => {
    machines.doc2 = { name: 'doc2', run: () => Promise.reject(new Error('was called')) };
    const findings = await look([114]);
    expect(findings.guests.doc2).toMatchObject({ running: false });
    expect(findings.guests.doc2).not.toHaveProperty('system');
    expect(findings.notSeen).toContainEqual({
      subject: 'guest doc2',
      what: 'the system inside',
      seen: 'VM 114 is stopped',
      next: 'qm start 114   # on prom',
    });
  });

  it('names a machine that cannot be reached, with the advice of ssh, and goes on with the others', async () => {
    const refused = () =>
      Promise.reject(
        sshError('ssh/refused', {
          seen: 'doc1: connection refused',
          next: ['systemctl start ssh', 'ssh doc1 true'],
        }),
      );
    machines.doc1 = { name: 'doc1', run: refused };
    const findings = await look();
    expect(findings.guests.doc1).not.toHaveProperty('system');
    expect(findings.moves).toEqual({});
    expect(findings.guests.doc2?.system?.hostname).toBe('doc1');
    expect(findings.notSeen).toContainEqual({
      subject: 'guest doc1',
      what: 'the system inside',
      seen: 'doc1: connection refused',
      next: 'systemctl start ssh',
      more: ['ssh doc1 true'],
      meaning: 'The address answers, but nothing listens on that port.',
    });
  });

  it('does not hide an error of its own', async () => {
    machines.doc1 = { name: 'doc1', run: () => Promise.reject(new TypeError('a bug')) };
    await expect(look()).rejects.toThrow('a bug');
  });

  it('says which containers were not seen when podman refuses', async () => {
    machines.doc1 = fakeHost('doc1', [
      [/^podman (ps|images)/, { exitCode: 125, stderr: 'Error: permission denied\nmore' }],
      ...doc1,
    ]);
    expect((await look()).notSeen).toContainEqual(
      expect.objectContaining({
        subject: 'guest doc1',
        what: 'podman containers',
        seen: 'Error: permission denied',
      }),
    );
  });
});

describe('the printed findings', () => {
  it('read as the current findings of a written plan', async () => {
    await expect(printFindings(await look([114]), config)).toMatchFileSnapshot('printed-findings.txt');
  });

  it('name what the token may not do, where it was asked', async () => {
    const found = await look();
    const missing = {
      subject: 'token a@pve!b',
      what: 'stopping and starting virtual machine 114',
      seen: 'VM.PowerMgmt on /vms/114 is missing',
      next: 'pveum acl modify /vms/114',
    };
    const lacking = { ...found, cluster: { ...found.cluster, missingPrivileges: [missing] } };
    expect(printFindings(lacking, config)).toMatch(
      /Token lacks +VM\.PowerMgmt on \/vms\/114 is missing: stopping and starting virtual machine 114/,
    );
    expect(printFindings(found, config)).not.toContain('Token lacks');
  });

  it('set titles off through the palette alone', async () => {
    const findings = await look();
    const loud = { title: (text: string) => `<${text}>`, name: String, faint: String, warn: String };
    expect(printFindings(findings, config, loud)).toContain('<Guest doc1>');
    expect(printFindings(findings, config)).not.toContain('\u001b');
  });
});
