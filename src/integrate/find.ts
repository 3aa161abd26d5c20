import type { Config } from '../config/config.ts';
import { listVms } from '../create/look.ts';
import type { SeenVm } from '../plan/guest/facts.ts';
import type { ProxmoxClient } from '../proxmox/client.ts';
import { integrateError } from './errors.ts';

/** The guest's virtual machine: by its number, else by its name. @throws integrate/no-guest and the like */
export async function findGuest(
  client: ProxmoxClient,
  config: Pick<Config, 'file' | 'guests' | 'wishes'>,
  name: string,
  given: number | undefined,
): Promise<SeenVm> {
  const vms = await listVms(client);
  const vmid = given ?? config.guests[name]?.vmid ?? config.wishes[name]?.vmid;
  const found = vms.filter((vm) => (vmid === undefined ? vm.name === name : vm.vmid === vmid));
  const [vm, other] = found;
  const what = vmid === undefined ? `no VM is named ${name}` : `no VM ${vmid}`;
  if (vm === undefined)
    throw integrateError('integrate/no-guest', {
      seen: `${what} among the ${vms.length} that this token sees`,
      next: [`drayage guest new ${name}`, 'pvesh get /cluster/resources --type vm'],
    });
  if (other !== undefined)
    throw integrateError('integrate/several-guests', {
      seen: `${found.map((one) => `VM ${one.vmid} on ${one.node}`).join(' and ')} are named ${name}`,
      next: [`drayage guest integrate ${name} ADDRESS VMID`, `write guests.${name}.vmid in ${config.file}`],
    });
  if (vm.template)
    throw integrateError('integrate/is-a-template', {
      seen: `VM ${vm.vmid} (${vm.name}) is a template`,
      next: [`drayage guest new ${name} --template ${vm.vmid}`],
    });
  if (!vm.running)
    throw integrateError('integrate/stopped', {
      seen: `VM ${vm.vmid} (${vm.name}, on ${vm.node}) is stopped`,
      next: [`on ${vm.node}: qm start ${vm.vmid}`, `drayage guest new ${name}   # goes on where it was`],
    });
  return vm;
}
