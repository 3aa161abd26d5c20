import { nearest } from '../config/nearest.ts';
import { nixError } from './errors.ts';
import type { Fleet, FleetHost } from './fleet.ts';

/** Every name by which a host may be meant: its attribute, alias, host name, and its name in Proxmox VE. */
export function namesOf(host: FleetHost): string[] {
  const names = [host.attribute, host.sshAlias, host.hostname, host.proxmox?.name];
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** The one host that is meant by a name. @throws nix/no-host when there is none, or more than one */
export function findHost(fleet: Fleet, name: string): FleetHost {
  const found = fleet.hosts.filter((host) => namesOf(host).includes(name));
  const [only, another] = found;
  if (only !== undefined && another === undefined) return only;
  if (another !== undefined) {
    throw nixError('nix/no-host', {
      seen: `"${name}" is a name of ${found.map((host) => `${host.attribute} (${host.where})`).join(' and of ')}`,
      where: only?.where ?? fleet.source.file,
      next: [`use the name of the attribute: ${found.map((host) => host.attribute).join(' or ')}`],
    });
  }
  const known = fleet.hosts.flatMap(namesOf);
  const close = nearest(name, known);
  throw nixError('nix/no-host', {
    seen: `no host has the name "${name}"; known: ${known.length === 0 ? 'none' : known.join(', ')}`,
    where: fleet.source.file,
    next: [close === undefined ? `grep -n sshAlias ${fleet.source.file}` : `did you mean "${close}"?`],
  });
}
