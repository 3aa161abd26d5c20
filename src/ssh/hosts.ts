import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { sshError } from './errors.ts';
import type { Hosts } from './host.ts';
import { controllerHost } from './local.ts';
import { type SshHost, sshHost } from './ssh.ts';

export interface OpenHosts {
  /** By name in drayage.yaml; `controller` is this machine. Connects when the first command runs. */
  readonly hosts: Hosts;
  /** Ends every shared connection and removes their folder. Call it on every way out, Ctrl-C included. */
  close(): Promise<void>;
}

/** The machines of a configuration. Throws ssh/unknown-host for a name that it does not have. */
export function openHosts(config: Pick<Config, 'file' | 'ssh' | 'nodes' | 'guests'>): OpenHosts {
  const controlFolder = mkdtempSync(join(tmpdir(), 'drayage-'));
  const removeFolder = () => rmSync(controlFolder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const controller = controllerHost();
  const open = new Map<string, SshHost>();

  return {
    hosts(name) {
      if (name === controller.name) return controller;
      const known = open.get(name);
      if (known !== undefined) return known;
      const guest = Object.hasOwn(config.guests, name) ? config.guests[name] : undefined;
      const node = Object.hasOwn(config.nodes, name) ? config.nodes[name] : undefined;
      const machine = node ?? guest;
      if (machine === undefined) {
        throw sshError('ssh/unknown-host', {
          seen: `"${name}"; known are ${[...Object.keys(config.nodes), ...Object.keys(config.guests), controller.name].join(', ')}`,
          next: [`add it to \`nodes\` or \`guests\` in ${config.file}`],
        });
      }
      const host = sshHost({
        name,
        destination: machine.ssh,
        sudo: node === undefined && guest?.sudo === true,
        controlFolder,
        ...(config.ssh.config === undefined ? {} : { configFile: config.ssh.config }),
      });
      open.set(name, host);
      return host;
    },
    async close() {
      await Promise.all([...open.values()].map((host) => host.close()));
      open.clear();
      process.off('exit', removeFolder);
      removeFolder();
    },
  };
}
