import { DrayageError } from '../errors/error.ts';
import { type Answer, probe } from '../guest/probe.ts';
import { nodeTools } from '../guest/tools.ts';
import type { Host } from '../ssh/host.ts';
import { optional } from '../workloads/podman.ts';
import { readPools } from '../zfs/dataset.ts';
import type { NodeFindings, NotSeen } from './findings.ts';

/** Looks at a Proxmox VE node: versions, tools, pools. */
export async function readNode(host: Host): Promise<{ node: NodeFindings; notSeen: NotSeen[] }> {
  const notSeen: NotSeen[] = [];
  const answers: Readonly<Record<string, Answer>> = await probe<string>(host, {
    hostname: ['cat', '/proc/sys/kernel/hostname'],
    kernel: ['uname', '-r'],
    pveversion: ['pveversion'],
    zfs: ['zfs', 'version'],
    rsync: ['rsync', '--version'],
    virtiofsd: ['test', '-x', '/usr/libexec/virtiofsd'],
    ...Object.fromEntries(nodeTools.map((tool) => [`tool:${tool}`, ['command', '-v', tool]])),
  });
  const lineOf = (key: string): string | undefined =>
    answers[key]?.exitCode === 0 ? answers[key]?.stdout.trim().split('\n')[0] : undefined;
  const missingTools = nodeTools.filter((tool) => answers[`tool:${tool}`]?.exitCode !== 0);
  const pools = missingTools.includes('zpool') ? [] : await poolsOf(host, notSeen);
  return {
    node: {
      name: host.name,
      // The cluster knows a node by its name without a domain (pvecm, "nodename").
      hostname: (lineOf('hostname') ?? host.name).split('.')[0] as string,
      kernel: lineOf('kernel') ?? '',
      ...optional('pveVersion', lineOf('pveversion')?.replace(/ \(.*$/, '')),
      ...optional('zfsVersion', lineOf('zfs')?.replace(/^zfs-/, '')),
      ...optional('rsyncVersion', /version (\S+)/.exec(lineOf('rsync') ?? '')?.[1]),
      virtiofsd: answers.virtiofsd?.exitCode === 0,
      pools,
      missingTools,
    },
    notSeen,
  };
}

async function poolsOf(host: Host, notSeen: NotSeen[]): Promise<NodeFindings['pools']> {
  try {
    return (await readPools(host)).map(({ name, guid, sizeBytes, freeBytes, health }) => ({
      name,
      guid,
      sizeBytes,
      freeBytes,
      health,
    }));
  } catch (error) {
    if (!(error instanceof DrayageError)) throw error;
    notSeen.push({
      subject: `node ${host.name}`,
      what: 'ZFS pools',
      seen: error.seen,
      next: error.next[0] ?? `zpool list   # on ${host.name}`,
    });
    return [];
  }
}
