/** /nodes: the members, a node's state and certificate, and the VMs on it. */
import { X509Certificate } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { cpus, freemem, loadavg, release, totalmem, uptime, version } from 'node:os';
import { may } from '../auth.ts';
import type { Call, Cluster, Endpoint } from '../endpoint.ts';
import * as format from '../formats.ts';
import { flag, params } from '../params.ts';
import { vmSummary } from '../vm-summary.ts';
import { defaultVersion } from './access.ts';

const node = params({ node: format.node });

export const nodeEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/nodes',
    params: {},
    permission: 'user',
    handle: ({ cluster }) => cluster.nodes.map(({ name }) => nodeRow(cluster, name)),
  },
  {
    method: 'GET',
    path: '/nodes/{node}/version',
    params: node,
    permission: 'user',
    handle: ({ cluster }) => cluster.options.version ?? defaultVersion,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/status',
    params: node,
    permission: { path: '/nodes/{node}', privileges: ['Sys.Audit'] },
    handle: status,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/certificates/info',
    params: node,
    permission: 'user',
    handle: certificates,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/qemu',
    params: params({ node: format.node, 'full?': flag }),
    permission: 'user',
    handle: ({ cluster, caller, values }) =>
      cluster.vms
        .all()
        .filter((vm) => vm.node === values.text('node') && may(caller, `/vms/${vm.vmid}`, ['VM.Audit']))
        .map((vm) => vmSummary(cluster, vm)),
  },
];

export const nodeRow = (cluster: Cluster, name: string) => {
  const online = cluster.nodes.some((member) => member.name === name && member.online);
  return {
    node: name,
    id: `node/${name}`,
    type: 'node',
    status: online ? 'online' : 'offline',
    level: '',
    // All nodes are served by this process, with the one certificate.
    ...(online ? { ssl_fingerprint: cluster.fingerprint } : {}),
    ...(online ? { maxcpu: cpus().length, maxmem: totalmem(), uptime: Math.floor(uptime()) } : {}),
  };
};

function status({ cluster }: Call): unknown {
  const { blocks, bfree, bavail, bsize } = statfsSync(cluster.options.stateFolder);
  const about = cluster.options.version ?? defaultVersion;
  return {
    pveversion: `pve-manager/${about.version}/${about.repoid}`,
    uptime: Math.floor(uptime()),
    loadavg: loadavg().map((load) => load.toFixed(2)),
    cpu: 0,
    cpuinfo: { cpus: cpus().length, cores: cpus().length, sockets: 1, model: cpus()[0]?.model ?? '' },
    memory: {
      total: totalmem(),
      free: freemem(),
      available: freemem(),
      used: totalmem() - freemem(),
    },
    rootfs: {
      total: blocks * bsize,
      free: bfree * bsize,
      avail: bavail * bsize,
      used: (blocks - bfree) * bsize,
    },
    'current-kernel': { sysname: 'Linux', release: release(), version: version(), machine: 'x86_64' },
    'boot-info': { mode: 'efi', secureboot: 0 },
  };
}

function certificates({ cluster }: Call): unknown {
  const x509 = new X509Certificate(cluster.certificate);
  const seconds = (date: string) => Math.floor(Date.parse(date) / 1000);
  return [
    {
      filename: 'pve-ssl.pem',
      fingerprint: x509.fingerprint256,
      issuer: x509.issuer,
      subject: x509.subject,
      notbefore: seconds(x509.validFrom),
      notafter: seconds(x509.validTo),
      san: x509.subjectAltName?.split(', ') ?? [],
      pem: cluster.certificate,
    },
  ];
}
