import { network } from './layout.ts';

const names = Object.entries(network.hosts);

/** The lab's ssh configuration: `ssh -F .lab/ssh_config doc1`, from inside the room's network. */
export function sshConfigText(files: { knownHosts: string; identity: string }): string {
  const hosts = names.map(([name, address]) => `Host ${name}\n  HostName ${address}\n`);
  const common = [
    `Host *`,
    `  User root`,
    `  IdentityFile "${files.identity}"`,
    `  IdentitiesOnly yes`,
    `  UserKnownHostsFile "${files.knownHosts}"`,
    `  GlobalKnownHostsFile /dev/null`,
    `  StrictHostKeyChecking yes`,
    `  BatchMode yes`,
    `  ConnectTimeout 20`,
    `  LogLevel ERROR`,
  ];
  return `# Written by the lab.\n${hosts.join('')}${common.join('\n')}\n`;
}

/** Known hosts: the node and the guests come from one image and answer with one host key. */
export const knownHostsText = (hostKey: string) =>
  names.map(([name, address]) => `${name},${address} ${bareKey(hostKey)}\n`).join('');

/** A public key file's type and key, without its comment. */
export function bareKey(publicKey: string): string {
  const [type, key] = publicKey.trim().split(/\s+/);
  if (!type || !key) throw new Error('not a public key');
  return `${type} ${key}`;
}

export const hostsText = () =>
  ['127.0.0.1 localhost', ...names.map(([name, address]) => `${address} ${name}`), ''].join('\n');

/**
 * A script for sshd's ForceCommand: it writes down what was asked for, then does it the way sshd would.
 * The command is recorded in base64, so that any bytes survive. A session without a command is not recorded.
 */
export function recordCommandScript(destination: string): string {
  return `#!/bin/bash
# Written by the lab. Records each command that ssh brings (base64), then runs it as sshd would have.
[ -n "\${SSH_ORIGINAL_COMMAND+x}" ] || exec -l "\${SHELL:-/bin/bash}"
encoded=$(printf %s "$SSH_ORIGINAL_COMMAND" | base64 -w0)
# A long line is written in pieces: one writer at a time.
{ flock 9; printf '{"time":%s,"user":"%s","from":"%s","command":"%s"}\\n' \\
  "$EPOCHREALTIME" "$USER" "\${SSH_CONNECTION%% *}" "$encoded" >&9; } 9>>${destination} 2>/dev/null
exec "\${SHELL:-/bin/bash}" -c "$SSH_ORIGINAL_COMMAND"
`;
}

export const recordCommandPath = '/usr/local/sbin/lab-record-command';

/** Subsystems (sftp) are commands too: ForceCommand sees their path. */
export const forceCommandConfig = `# Written by the lab.\nForceCommand ${recordCommandPath}\n`;
