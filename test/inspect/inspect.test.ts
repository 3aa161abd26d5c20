import { beforeEach, describe, expect, it } from 'vitest';
import type { Config, MoveConfig } from '../../src/config/config.ts';
import { isReadOnly } from '../../src/guest/read-only.ts';
import type { Findings, SourceFindings } from '../../src/inspect/findings.ts';
import { inspect, type Looking } from '../../src/inspect/inspect.ts';
import { printFindings } from '../../src/inspect/print.ts';
import type { ProxmoxReader } from '../../src/inspect/proxmox-reader.ts';
import { moveContext } from '../../src/plan/context.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import { rescueText } from '../../src/plan/rescue.ts';
import { sshError } from '../../src/ssh/errors.ts';
import type { Host } from '../../src/ssh/host.ts';
import { notesUnit, sampleConfig, sampleFindings, sampleSource, web } from '../support/sample.ts';
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
  nodes: { prom: { name: 'prom', ssh: 'root@prom', sshFromNode: 'root@prom' } },
  wishes: {},
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
      maintenance: {},
    },
  },
  moves: { docker: move },
  phases: [{ name: 'all', moves: ['docker'] }],
  finalize: { soakDays: 7 },
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
  it('tells what it looks at, and how many entries of a source it has counted', async () => {
    const told: Looking[] = [];
    const findings = await inspect({
      config,
      hosts: (name) => machines[name] as Host,
      proxmox: proxmox(),
      now: '2026-11-23T12:00:00Z',
      looking: (at) => told.push(at),
    });
    expect(told.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['the cluster', 'node prom', 'guest doc1', 'guest doc2']),
    );
    const source = findings.moves.docker?.source;
    expect(told).toContainEqual({
      what: '/mnt/docker on doc1',
      entries: source?.state === 'directory' ? source.entries : undefined,
    });
  });

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
    expect(findings.shares.containers).toEqual({
      name: 'containers',
      occupied: false,
      // The dataset in which it would be made knows quotas and redundancy; the free space of a pool does not.
      room: { dataset: 'nvmeprom', bytes: 1_150_000_000_000 },
    });
    expect(findings.nodes.prom).toMatchObject({
      hostname: 'prom',
      pveVersion: 'pve-manager/9.1.4/5ac30304265fbd8e',
      zfsVersion: '2.3.4-pve1',
      virtiofsd: true,
      pools: [{ name: 'nvmeprom', health: 'ONLINE' }],
    });
  });

  it('counts free inodes only where a file system has a fixed number of them', async () => {
    const mounted = (stat: string) =>
      fakeHost('prom', [
        [
          /^zfs list .* nvmeprom\/containers$/,
          'nvmeprom/containers\t9\t500\t9\tyes\ton\toff\tposix\tsa\t131072\ton\t0\t0\t1\t/nvmeprom/containers\n',
        ],
        [/^stat --file-system/, stat],
        [/^stat --printf=%u/, '1000 100 755'],
        ...prom,
      ]);
    const room = async () => (await look()).shares.containers?.room;
    machines.prom = mounted('zfs 977 900');
    expect(await room()).toEqual({ dataset: 'nvmeprom/containers', bytes: 500 });
    machines.prom = mounted('ext2/ext3 65536 65000');
    expect(await room()).toEqual({ dataset: 'nvmeprom/containers', bytes: 500, inodes: 65_000 });
  });

  describe('of a share with the note of a move', () => {
    const context = moveContext(sampleConfig(), sampleFindings(), sampleConfig().moves.docker!)!;
    const share = (text: string, claimed = true) =>
      fakeHost('prom', [
        [
          /^zfs list .* nvmeprom\/containers$/,
          'nvmeprom/containers\t9\t500\t9\tyes\ton\toff\tposix\tsa\t131072\ton\t0\t0\t1\t/nvmeprom/containers\n',
        ],
        [/^stat --printf=%u/, '1000 100 755'],
        [/^test -e \S+\/docker\/rescue.json/, ''],
        [/^cat \S+\/docker\/rescue.json/, text],
        ...(claimed ? [[/^test -e \S+\/docker\/claim.json/, ''] as const] : []),
        ...prom,
      ]);

    it('knows what the target had before', async () => {
      machines.prom = share(rescueText({ ...context, had: [web] }));
      const findings = await look();
      expect(findings.notSeen).toEqual([]);
      expect(findings.moves.docker?.noted).toEqual({
        known: [web.sourcePath, notesUnit.sourcePath],
        had: [web],
      });
    });

    it('knows nothing by a note whose claim is gone: it is of a move that was taken back', async () => {
      machines.prom = share(rescueText({ ...context, had: [web] }), false);
      expect((await look()).moves.docker).not.toHaveProperty('noted');
    });

    it.each([
      [
        'torn',
        rescueText(context).slice(0, 200),
        /rescue.json on prom is not a note of this move: \{"format":1/,
      ],
      ['empty', '', /rescue.json on prom is not a note of this move: it is empty/],
    ])('that is %s names it, and the plan waits', async (_what, text, seen) => {
      machines.prom = share(text);
      const findings = await look();
      expect(findings.moves.docker).not.toHaveProperty('noted');
      expect(makePlan(config, findings, '0.1.0').blockers).toContainEqual(
        expect.objectContaining({
          code: 'plan/not-seen',
          move: 'docker',
          seen: expect.stringMatching(seen),
          next: [
            'cat /nvmeprom/containers/.drayage/moves/docker/rescue.json   # on prom: written by drayage, or by whom?',
            'drayage rollback --move docker   # takes it away, with what was prepared',
          ],
        }),
      );
    });
  });

  it('sees the wrapper that gives virtiofsd file handles, and one that does not', async () => {
    const wrapped = (script: string) =>
      fakeHost('prom', [
        [/^find -L \/usr\/libexec\/virtiofsd/, 'x'],
        [/^cat \/usr\/libexec\/virtiofsd/, script],
        ...prom,
      ]);
    const exec = 'exec /usr/libexec/virtiofsd.distrib --inode-file-handles=prefer "$@"\n';
    machines.prom = wrapped(`#!/bin/sh\n${exec}`);
    const findings = await look();
    expect(findings.nodes.prom?.virtiofsdFileHandles).toBe(true);
    expect(printFindings(findings, config)).toContain('a wrapper that gives it file handles');
    machines.prom = wrapped(`#!/bin/sh\n# ${exec}exec /usr/libexec/virtiofsd.distrib "$@"\n`);
    expect((await look()).nodes.prom).not.toHaveProperty('virtiofsdFileHandles');
  });

  it('names the owners that the target does not know', async () => {
    const find = 'f 12 8 1 10 2049 1000 100 a\0f 1 8 1 11 2049 1001 4242 b\0f 1 8 1 12 2049 100999 1 c\0';
    machines.doc1 = fakeHost('doc1', [[/^env LC_ALL=C find \/mnt\/docker/, find], ...doc1]);
    machines.doc2 = fakeHost('doc2', [
      [/^getent passwd/, 'root:x:0:0::/root:/bin/sh\nabl030:x:1000:100::/home/abl030:/bin/sh\n'],
      [/^cat \/etc\/subuid/, { exitCode: 1 }],
      ...doc2,
    ]);
    const findings = await look();
    expect(findings.moves.docker?.unknownOwners).toEqual([
      { kind: 'gid', id: 1, entries: 1, knownOnSource: false },
      { kind: 'gid', id: 4242, entries: 1, knownOnSource: false },
      { kind: 'uid', id: 1001, entries: 1, knownOnSource: true },
      { kind: 'uid', id: 100_999, entries: 1, knownOnSource: true },
    ]);
    expect(printFindings(findings, config)).toMatch(/Unknown to doc2 +gid 1 {2}1 entry\n/);
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

  it('show what a census can find, however much it is', async () => {
    const found = await look([114]);
    const many = (what: string, most: number) => Array.from({ length: most }, (_, at) => `${what}${at}`);
    const source: SourceFindings = {
      state: 'directory',
      ...sampleSource,
      entries: 1_204_311,
      inodes: 1_150_002,
      capabilities: 3,
      special: { fifos: 1, sockets: 12, devices: 1, first: many('run/socket', 14) },
      notUtf8: { count: 31, first: many('old/caf\\xe9', 20) },
      unreadable: { count: 2, first: ['closed', 'secret/key'] },
      submounts: ['/mnt/docker/media'],
      owners: many('', 12).map((_, at) => ({ uid: at, gid: 100, entries: 1000 - at })),
      databases: [
        { kind: 'PostgreSQL', path: 'immich/pg', mark: 'PG_VERSION, global/pg_control' },
        { kind: 'SQLite (WAL)', path: 'jellyfin/library.db', mark: 'SQLite format 3, library.db-wal' },
      ],
      imageStores: ['.store'],
    };
    const unknownOwners = [
      { kind: 'uid' as const, id: 999, entries: 812, knownOnSource: false },
      { kind: 'gid' as const, id: 1001, entries: 40, knownOnSource: true },
    ];
    const docker = { name: 'docker', source, unknownOwners };
    await expect(
      printFindings(
        { ...found, nodes: {}, guests: {}, shares: {}, notSeen: [], moves: { docker } },
        { ...config, moves: { docker: { ...move, databases: { 'immich/pg': 'leave' } } } },
      ),
    ).toMatchFileSnapshot('printed-census.txt');
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
