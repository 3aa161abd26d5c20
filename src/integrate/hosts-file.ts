import type { Config, ShareConfig } from '../config/config.ts';
import { createSchema } from '../config/create-schema.ts';
import { DrayageError } from '../errors/error.ts';
import { editSource, type FleetEdit } from '../nix/edit-fleet.ts';
import { editedFile } from '../nix/edited-file.ts';
import { nixError } from '../nix/errors.ts';
import { findHost, namesOf } from '../nix/find-host.ts';
import { type Fleet, type FleetHost, readFleet } from '../nix/fleet.ts';
import type { SeenVm } from '../plan/guest/facts.ts';
import { hostValues } from '../plan/guest/host-values.ts';
import type { HostsFacts } from '../plan/guest/integrate-facts.ts';
import type { Host } from '../ssh/host.ts';
import type { HostKey } from '../ssh/host-key.ts';

interface HostsQuestion {
  readonly controller: Host;
  readonly config: Config;
  readonly name: string;
  /** With its configuration. */
  readonly vm: SeenVm;
  readonly key: HostKey;
  /** Where it was reached first, then what its agent tells; those that are no IP address left out. */
  readonly addresses: readonly string[];
  readonly shares: readonly ShareConfig[];
}

/**
 * hosts.nix with what is known of the guest now: its host, its address, its host key, its shares. Each edit is proven by
 * itself; one that is refused is told with the text to paste, and the others are made. Writes nothing.
 * @returns undefined: drayage.yaml names no hosts.nix
 * @throws nix/syntax and the like when the file cannot be read, nix/another-machine
 */
export async function readHostsFile(question: HostsQuestion): Promise<HostsFacts | undefined> {
  const { config, controller, name } = question;
  if (config.hosts === undefined) return undefined;
  const fleet = await readFleet(config.hosts.file, controller);
  const host = fleet.hosts.some((one) => namesOf(one).includes(name)) ? findHost(fleet, name) : undefined;
  refuseAnotherMachine(question, host, fleet);
  const byHand: string[] = [];
  const attributes: string[] = [];
  let now = fleet.source;
  let evaluated = true;
  for (const edit of editsOf(question, fleet, host)) {
    try {
      const edited = await editSource(now, edit, controller);
      if (edited.changed) attributes.push(edited.attribute);
      now = edited.after;
      evaluated &&= edited.evaluated;
    } catch (error) {
      if (!(error instanceof DrayageError) || !refusals.includes(error.code)) throw error;
      byHand.push([`${error.where ?? config.hosts.file}: ${error.seen}`, ...error.next].join('\n'));
      // Without the host there is nothing that could be changed in it.
      if (edit.kind === 'host') break;
    }
  }
  const edit = await editedFile(fleet.source, now, { attribute: attributes.join(', '), evaluated });
  return { file: config.hosts.file, byHand, ...(attributes.length === 0 ? {} : { edit }) };
}

const refusals = ['nix/not-editable', 'nix/other-difference'];

function refuseAnotherMachine({ name, vm }: HostsQuestion, host: FleetHost | undefined, fleet: Fleet): void {
  if (host?.proxmox === undefined || host.proxmox.vmid === vm.vmid) return;
  throw nixError('nix/another-machine', {
    seen: `${name} is VM ${vm.vmid}, and ${host.attribute}.proxmox.vmid is ${host.proxmox.vmid}`,
    where: host.where,
    next: [`correct the number in ${fleet.source.file}`, `drayage guest integrate ${name} --skip hosts`],
  });
}

function editsOf(question: HostsQuestion, fleet: Fleet, host: FleetHost | undefined): FleetEdit[] {
  const { addresses, config, key, name, shares, vm } = question;
  const publicKey = `${key.type} ${key.key}`;
  const [address] = addresses;
  const shared = shares.map(
    ({ mapping, cache }): FleetEdit => ({
      ...{ kind: 'share', host: name },
      device: { mapping, ...(cache === 'auto' ? {} : { cache }) },
    }),
  );
  if (host === undefined) {
    // How it was asked for; what was not said is as the machine has it.
    const create = config.wishes[name]?.create ?? createSchema.parse({ template: 100 });
    const values = hostValues(
      { name, vmid: vm.vmid, create },
      {
        ...{ config: vm.config ?? {}, node: vm.node, defaults: fleet.proxmox },
        host: { localIp: address, publicKey, user: undefined },
      },
    );
    return [{ kind: 'host', attribute: name, values }, ...shared];
  }
  const set = (attribute: 'localIp' | 'publicKey', value: string): FleetEdit => ({
    ...{ kind: 'set', host: host.attribute, key: attribute, value },
  });
  const known = host.localIp !== undefined && addresses.includes(host.localIp);
  return [
    ...(address === undefined || known ? [] : [set('localIp', address)]),
    // A comment may stand behind the key.
    ...(host.publicKey?.startsWith(publicKey) === true ? [] : [set('publicKey', publicKey)]),
    ...(host.proxmox === undefined ? [] : shared),
  ];
}
