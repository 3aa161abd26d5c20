import type { DrayageError } from '../errors/error.ts';
import { sshError } from './errors.ts';
import { quoteArgv } from './quote.ts';

/** Whom ssh was to reach, for messages and advice. */
export interface SshTarget {
  readonly name: string;
  readonly destination: string;
  readonly configFile?: string;
}

/** The command that shows the same connection on a terminal. */
export function sshByHand(target: SshTarget, command: string, options: readonly string[] = []): string {
  const config = target.configFile === undefined ? [] : ['-F', target.configFile];
  return `${quoteArgv(['ssh', ...options, ...config, target.destination])} ${command}`;
}

/**
 * What ssh's own messages say about a connection that failed. The texts are those of OpenSSH (sshconnect.c, ssh.c,
 * clientloop.c, mux.c), which are not translated.
 * @param log what ssh wrote with `-E`, and for a first connection also its stderr (a jump host writes there)
 */
export function sshFailure(target: SshTarget, log: string, cause?: unknown): DrayageError {
  const text = log.replaceAll('\r', '').trim();
  const seen = `${target.name} (${target.destination}): ${text || 'ssh ended with 255 and said nothing'}`;
  const byHand = sshByHand(target, 'true');
  const facts = { seen, cause };

  if (/^@ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! +@$/m.test(text))
    return hostKeyChanged(target, text);
  if (
    /^(No \S+ host key is known for .* and you have requested strict checking\.|Host key verification failed\.)$/m.test(
      text,
    )
  ) {
    return sshError('ssh/host-key-unknown', {
      ...facts,
      next: [
        `${byHand}   # shows its fingerprint and asks; compare it on that machine's console with: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`,
      ],
    });
  }
  if (
    /^(\S+: )?Permission denied \([^)]*\)\.$/m.test(text) ||
    /Too many authentication failures$/m.test(text)
  ) {
    return sshError('ssh/permission-denied', {
      ...facts,
      next: [
        `ssh-add -l   # the keys your agent offers`,
        `${quoteArgv(['ssh-copy-id', ...(target.configFile === undefined ? [] : ['-F', target.configFile]), target.destination])}   # puts your key there, if you can log in with a password`,
        byHand,
      ],
    });
  }
  if (/^ssh: Could not resolve hostname /m.test(text)) {
    return sshError('ssh/unknown-address', {
      ...facts,
      next: [
        `correct \`ssh\` of ${target.name} in drayage.yaml, or give the name a Host entry in your ssh configuration`,
        byHand,
      ],
    });
  }
  if (/^(ssh: )?connect to (host|address) \S+ port \d+: Connection refused$/m.test(text)) {
    return sshError('ssh/refused', {
      ...facts,
      next: [`on that machine: systemctl status ssh.socket ssh.service sshd.service`, byHand],
    });
  }
  if (
    /^ssh: connect to host \S+ port \d+: (Connection timed out|Operation timed out|No route to host|Network is unreachable)$/m.test(
      text,
    ) ||
    /^Connection timed out during banner exchange$/m.test(text) ||
    /^Connection to \S+ port \d+ timed out$/m.test(text)
  ) {
    return sshError('ssh/timeout', {
      ...facts,
      next: [`see in Proxmox VE whether it runs: qm status <vmid>   # on its node`, byHand],
    });
  }
  if (
    /^(kex_exchange_identification: |banner exchange: )?(read: )?Connection (closed|reset) by /m.test(text)
  ) {
    return sshError('ssh/closed', {
      ...facts,
      next: [
        sshByHand(target, 'true', ['-v']),
        `ssh -G ${target.destination} | grep -i proxy   # the way in`,
      ],
    });
  }
  return sshError('ssh/failed', { ...facts, next: [sshByHand(target, 'true', ['-v'])] });
}

function hostKeyChanged(target: SshTarget, text: string): DrayageError {
  const kind = /^The fingerprint for the (\S+) key sent by the remote host is$/m.exec(text)?.[1];
  const fingerprint = /^(SHA256:[A-Za-z0-9+/]+)\.?$/m.exec(text)?.[1];
  const offending = /^Offending .*$/m.exec(text)?.[0];
  const remove = /^ +(ssh-keygen -f .*)$/m.exec(text)?.[1];
  const file =
    kind === undefined ? '/etc/ssh/ssh_host_*_key.pub' : `/etc/ssh/ssh_host_${kind.toLowerCase()}_key.pub`;
  return sshError('ssh/host-key-changed', {
    seen: `${target.name} (${target.destination}) sent the ${kind ?? 'host'} key ${fingerprint ?? '(not shown)'}. ${offending ?? ''}`.trim(),
    next: [
      `on that machine's console, not over ssh: ssh-keygen -lf ${file}   # must show the same fingerprint`,
      `only when it does: ${remove ?? 'ssh-keygen -R <name>'}   # forgets the old key`,
      `${sshByHand(target, 'true')}   # learns the new one; compare before you say yes`,
    ],
  });
}

/** sudo's own refusal, which it prints before it runs anything (sudo(8), exit value 1). */
export function sudoFailure(
  target: SshTarget,
  argv: readonly string[],
  stderr: string,
): DrayageError | undefined {
  if (/^sudo: (a password is required|a terminal is required to read the password.*)$/m.test(stderr)) {
    return sshError('ssh/sudo-password', {
      seen: `${target.name} (${target.destination}): ${stderr.trim()}`,
      next: [
        `on that machine, as root: visudo -f /etc/sudoers.d/drayage   # USER ALL=(root) NOPASSWD: ALL`,
        `or log in as root: set \`ssh: root@...\` and leave out \`sudo\` in drayage.yaml`,
      ],
    });
  }
  const refused =
    /^(Sorry, user \S+ is not allowed to execute .*|\S+ is not in the sudoers file\..*|\S+ is not allowed to run sudo on .*)$/m.exec(
      stderr,
    );
  if (refused === null) return undefined;
  return sshError('ssh/sudo-refused', {
    seen: `${target.name} (${target.destination}): ${refused[0]}`,
    next: [
      `${sshByHand(target, 'sudo -n -l')}   # what this user may run`,
      `on that machine, as root: visudo -f /etc/sudoers.d/drayage   # allow ${quoteArgv(argv.slice(0, 1))}`,
    ],
  });
}
