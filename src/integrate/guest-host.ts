import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DrayageError } from '../errors/error.ts';
import type { Host } from '../ssh/host.ts';
import type { HostKey } from '../ssh/host-key.ts';
import { type SshHost, sshHost } from '../ssh/ssh.ts';

const alias = 'drayage-guest';

/** Connections to a guest that nobody's known_hosts has yet: each must show exactly the key that is given. */
export function openGuestHosts(guest: {
  readonly name: string;
  readonly sudo: boolean;
  readonly configFile?: string;
}) {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-'));
  const knownHosts = join(folder, 'known');
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const open = new Set<SshHost>();

  const at = (destination: string, key: HostKey): SshHost => {
    writeFileSync(knownHosts, `${alias} ${key.type} ${key.key}\n`, { mode: 0o600 });
    const host = sshHost({
      name: guest.name,
      destination,
      sudo: guest.sudo,
      controlFolder: folder,
      ...(guest.configFile === undefined ? {} : { configFile: guest.configFile }),
      options: {
        HostKeyAlias: alias,
        UserKnownHostsFile: knownHosts,
        GlobalKnownHostsFile: '/dev/null',
        StrictHostKeyChecking: 'yes',
        HostKeyAlgorithms: key.type === 'ssh-rsa' ? 'rsa-sha2-512,rsa-sha2-256' : key.type,
      },
    });
    open.add(host);
    return host;
  };

  return {
    at,
    /** The guest wherever it is: when it does not answer any more at one address, its place is asked for again. */
    floating(destination: string, key: HostKey, again: () => Promise<string | undefined>): Host {
      let current = { destination, host: at(destination, key) };
      return {
        name: guest.name,
        async run(argv, options) {
          try {
            return await current.host.run(argv, options);
          } catch (error) {
            if (!(error instanceof DrayageError) || !moved.includes(error.code)) throw error;
            const now = await again();
            if (now === undefined || now === current.destination) throw error;
            await current.host.close();
            current = { destination: now, host: at(now, key) };
            return current.host.run(argv, options);
          }
        },
      };
    },
    async close() {
      await Promise.all([...open].map((host) => host.close()));
      process.off('exit', removeFolder);
      removeFolder();
    },
  };
}

/** Before anything was asked: the command did not run. */
const moved = ['ssh/timeout', 'ssh/refused', 'ssh/closed', 'ssh/host-key-unknown', 'ssh/host-key-changed'];
