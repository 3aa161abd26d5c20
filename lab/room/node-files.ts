import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { network, nodeName } from './layout.ts';
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

const sshdConfig = `# Written by the lab.
ListenAddress ${network.hosts.prom}
`;

/** Makes the guest userland in the node's root the node `prom`: names, key, sshd's settings, Proxmox's small tools. */
export function writeNodeFiles(nodeRoot: string, nodeKey: string): void {
  const write = (path: string, text: string, mode = 0o644) => {
    const file = join(nodeRoot, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  };
  write('/etc/hostname', `${nodeName}\n`);
  write('/etc/hosts', hostsText());
  write('/etc/ssh/sshd_config.d/lab-node.conf', sshdConfig);
  write('/etc/ssh/sshd_config.d/lab-record.conf', forceCommandConfig);
  write(recordCommandPath, recordCommandScript(`/run/drayage-lab/ssh-${nodeName}.jsonl`), 0o755);
  write('/usr/bin/pveversion', pveversion, 0o755);
  write('/usr/bin/pvecm', pvecm, 0o755);
  const identity = join(nodeRoot, '/root/.ssh/id_ed25519');
  copyFileSync(nodeKey, identity);
  chmodSync(identity, 0o600);
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
