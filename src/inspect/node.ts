import { DrayageError } from '../errors/error.ts';
import { type Answer, probe } from '../guest/probe.ts';
import { pullerTrials, rsyncRefusal } from '../guest/rsync-trial.ts';
import { nodeTools } from '../guest/tools.ts';
import type { Host } from '../ssh/host.ts';
import { optional } from '../workloads/podman.ts';
import { readPools } from '../zfs/dataset.ts';
import type { NodeFindings, NotSeen } from './findings.ts';

const virtiofsd = '/usr/libexec/virtiofsd';

/** Looks at a Proxmox VE node: versions, tools, pools. */
export async function readNode(host: Host): Promise<{ node: NodeFindings; notSeen: NotSeen[] }> {
  const notSeen: NotSeen[] = [];
  const answers: Readonly<Record<string, Answer>> = await probe<string>(host, {
    hostname: ['cat', '/proc/sys/kernel/hostname'],
    kernel: ['uname', '-r'],
    pveversion: ['pveversion'],
    zfs: ['zfs', 'version'],
    rsync: ['rsync', '--version'],
    ...pullerTrials,
    virtiofsd: ['test', '-x', virtiofsd],
    // The program itself is megabytes; a wrapper fits into a page.
    virtiofsdSmall: ['find', '-L', virtiofsd, '-maxdepth', '0', '-type', 'f', '-size', '-9', '-printf', 'x'],
    ...Object.fromEntries(nodeTools.map((tool) => [`tool:${tool}`, ['command', '-v', tool]])),
  });
  const lineOf = (key: string): string | undefined =>
    answers[key]?.exitCode === 0 ? answers[key]?.stdout.trim().split('\n')[0] : undefined;
  const handles = answers.virtiofsdSmall?.stdout === 'x' ? await givesFileHandles(host) : false;
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
      ...optional('rsyncRefuses', rsyncRefusal(answers)),
      virtiofsd: answers.virtiofsd?.exitCode === 0,
      ...(handles ? { virtiofsdFileHandles: true } : {}),
      pools,
      missingTools,
    },
    notSeen,
  };
}

/** Is virtiofsd a wrapper that takes file handles in place of open files? docs/recovery.md has it. */
async function givesFileHandles(host: Host): Promise<boolean> {
  const { text } = await probe(host, { text: ['cat', virtiofsd] });
  return /^[^#\n]*--inode-file-handles=(prefer|mandatory)/m.test(text.stdout);
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
