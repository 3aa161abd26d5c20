import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { network } from './layout.ts';
import { forceCommandConfig, hostsText, recordCommandPath, recordCommandScript } from './ssh-files.ts';

/** What the node says of itself, over the API and by `pveversion`. */
export const nodeVersion = { version: '9.1.4', release: '9.1', repoid: '5ac30304265fbd8e' };

const pveversion = `#!/bin/sh
# Written by the lab: answers as Proxmox VE's pveversion does.
echo "pve-manager/${nodeVersion.version}/${nodeVersion.repoid} (running kernel: $(uname -r))"
`;

const pvecm = `#!/bin/sh
# Written by the lab: a node that was never joined to a cluster.
echo "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?" >&2
exit 255
`;

const sshdConfig = (address: string) => `# Written by the lab.
ListenAddress ${address}
`;

export interface LabNode {
  readonly name: 'prom' | 'maint';
  readonly root: string;
  /** Private key of the root of every node. */
  readonly key: string;
  /** The nodes of a cluster log in to one another. */
  readonly others: boolean;
}

/** Makes the guest userland in a node's root that node: names, key, sshd's settings, Proxmox's small tools. */
export function writeNodeFiles({ name, root: nodeRoot, key: nodeKey, others }: LabNode): void {
  const write = (path: string, text: string, mode = 0o644) => {
    const file = join(nodeRoot, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  };
  write('/etc/hostname', `${name}\n`);
  write('/etc/hosts', hostsText());
  write('/etc/ssh/sshd_config.d/lab-node.conf', sshdConfig(network.hosts[name]));
  write('/etc/ssh/sshd_config.d/lab-record.conf', forceCommandConfig);
  write(recordCommandPath, recordCommandScript(`/run/drayage-lab/ssh-${name}.jsonl`), 0o755);
  write('/usr/bin/pveversion', pveversion, 0o755);
  write('/usr/bin/pvecm', pvecm, 0o755);
  const identity = join(nodeRoot, '/root/.ssh/id_ed25519');
  copyFileSync(nodeKey, identity);
  chmodSync(identity, 0o600);
  if (others) {
    // The image's known hosts are older than the second node; all answer with one host key.
    const known = join(nodeRoot, '/etc/ssh/ssh_known_hosts');
    const [, ...key] = readFileSync(known, 'utf8').trim().split('\n')[0]?.split(' ') ?? [];
    writeFileSync(known, `${Object.keys(network.hosts).join(',')},10.77.0.* ${key.join(' ')}\n`);
    return;
  }
  // The node's root accepts the lab's key alone: no guest can log in to it.
  const accepted = join(nodeRoot, '/root/.ssh/authorized_keys');
  writeFileSync(accepted, withoutKey(readFileSync(accepted, 'utf8'), readFileSync(`${nodeKey}.pub`, 'utf8')));
}

function withoutKey(authorized: string, publicKey: string): string {
  const key = publicKey.trim().split(/\s+/)[1] ?? '';
  return authorized
    .split('\n')
    .filter((line) => !line.includes(key))
    .join('\n');
}
