import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load.ts';
import type {
  ContainerFindings,
  Findings,
  GuestFindings,
  GuestSystem,
  SourceDirectory,
  UnitFindings,
} from '../../src/inspect/findings.ts';

/** The mission's first phase, as a user would write it. */
export const sampleYaml = `
cluster:
  endpoint: https://192.168.1.12:8006
nodes:
  prom: { ssh: root@192.168.1.12 }
guests:
  doc1: { vmid: 104, ssh: root@doc1 }
  doc2: { vmid: 114, ssh: root@doc2 }
shares:
  containers:
    node: prom
    dataset: nvmeprom/containers
    owner: "1000:100"
moves:
  docker:
    from: { guest: doc1, path: /mnt/docker }
    to: { share: containers, guest: doc2 }
`;

export function sampleConfig(yaml = sampleYaml): Config {
  const result = parseConfig(yaml, 'drayage.yaml', {});
  if ('problems' in result) throw new Error(result.problems.map((problem) => problem.what).join('\n'));
  return result.config;
}

const notes = {
  name: 'notes',
  uid: 1000,
  gid: 100,
  home: '/home/notes',
  linger: true,
  subuid: [{ first: 100_000, count: 65_536 }],
  subgid: [{ first: 100_000, count: 65_536 }],
};

export const writer: ContainerFindings = {
  engine: 'podman',
  name: 'writer',
  id: 'a'.repeat(64),
  running: true,
  image: 'localhost/lab/base:1',
  imageId: '1'.repeat(64),
  restartPolicy: 'always',
  bindSources: ['/mnt/docker/writer'],
  stopTimeoutSeconds: 10,
  create: {
    options: ['--network', 'none', '-v', '/mnt/docker/writer:/data'],
    image: 'localhost/lab/base:1',
    command: ['sh', '-c', 'while :; do date; done'],
    environment: ['TOKEN'],
  },
};

export const web: UnitFindings = {
  name: 'web.service',
  active: true,
  unitFileState: 'generated',
  sourcePath: '/etc/containers/systemd/web.container',
  quadlet: true,
  sha256: '2'.repeat(64),
  paths: ['/mnt/docker/web'],
  image: 'localhost/lab/base:1',
  triggeredBy: [],
  startsAtBoot: true,
  timers: [],
};

export const notesUnit: UnitFindings = {
  ...web,
  name: 'notes.service',
  user: 'notes',
  sourcePath: '/home/notes/.config/containers/systemd/notes.container',
  sha256: '3'.repeat(64),
  paths: ['/mnt/docker/notes'],
};

export const sampleSource: SourceDirectory = {
  device: '65024',
  inode: '131',
  uid: 0,
  gid: 0,
  mode: '0755',
  fsType: 'ext4',
  isMount: false,
  empty: false,
  entries: 6214,
  inodes: 6190,
  bytes: 310_000_000,
  allocatedBytes: 120_000_000,
  hardLinkGroups: 12,
  acls: 5,
  xattrs: 9,
  capabilities: 0,
  sparseFiles: 2,
  special: { fifos: 0, sockets: 0, devices: 0, first: [] },
  notUtf8: { count: 0, first: [] },
  unreadable: { count: 0, first: [] },
  submounts: [],
  owners: [{ uid: 1000, gid: 100, entries: 6000 }],
  databases: [],
  imageStores: [],
};

function system(hostname: string, more: Partial<GuestSystem>): GuestSystem {
  return {
    hostname,
    os: 'debian',
    osName: 'Debian GNU/Linux 13 (trixie)',
    kernel: '6.12.57+deb13-cloud-amd64',
    bootId: '6f0c2f4e-7d3a-4d57-9a33-0f6c0b6b8a11',
    podmanVersion: '5.4.2',
    stores: [{ graphRoot: '/var/lib/containers/storage' }],
    containers: [],
    units: [],
    mounts: [],
    users: [notes],
    timers: [],
    podmanRestart: false,
    images: [],
    missingTools: [],
    ...more,
  };
}

function guest(name: string, vmid: number, found: GuestSystem): GuestFindings {
  return {
    name,
    vmid,
    node: 'prom',
    running: true,
    system: found,
    vm: { digest: 'd'.repeat(40), memory: '1024', agent: true, pciPassthrough: [], virtiofs: [] },
  };
}

/** What an inspection of the mission's world finds: doc1 with its workloads, doc2 empty, no dataset yet. */
export function sampleFindings(): Findings {
  const images = [
    { name: 'localhost/lab/base:1', id: '1'.repeat(64) },
    { name: 'localhost/lab/base:1', id: '1'.repeat(64), user: 'notes' },
  ];
  return {
    format: 1,
    inspectedAt: '2026-11-22T21:00:00.000Z',
    cluster: {
      version: '9.1.4',
      release: '9.1',
      quorate: true,
      nodes: [{ name: 'prom', online: true }],
      mappings: [],
      vms: [
        { vmid: 104, name: 'doc1', node: 'prom', running: true, virtiofs: [] },
        { vmid: 114, name: 'doc2', node: 'prom', running: true, virtiofs: [] },
      ],
    },
    nodes: {
      prom: {
        name: 'prom',
        hostname: 'prom',
        kernel: '6.17.2-1-pve',
        pveVersion: 'pve-manager/9.1.4',
        zfsVersion: 'zfs-2.3.9',
        rsyncVersion: '3.4.1',
        virtiofsd: true,
        pools: [{ name: 'nvmeprom', guid: '1234567890', sizeBytes: 2e12, freeBytes: 1e12, health: 'ONLINE' }],
        missingTools: [],
      },
    },
    guests: {
      doc1: guest(
        'doc1',
        104,
        system('doc1', { containers: [writer], units: [web, notesUnit], podmanRestart: true, images }),
      ),
      doc2: guest('doc2', 114, system('doc2', {})),
    },
    shares: { containers: { name: 'containers', occupied: false } },
    moves: {
      docker: { name: 'docker', source: { state: 'directory', ...sampleSource }, targetPath: 'missing' },
    },
    notSeen: [],
  };
}
