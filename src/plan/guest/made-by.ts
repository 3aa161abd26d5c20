import type { GuestWish } from '../../config/config.ts';
import type { SeenVm } from './facts.ts';

/** What a clone carries as its description until it is configured: by it a killed run finds its guest again. */
export const beingMade = (guest: string): string => `drayage is making the guest ${guest}.`;

/** The description afterwards. */
export const wasMade = (guest: string, template: number): string =>
  `Made by drayage for the guest ${guest}, from template ${template}.`;

/** How far a virtual machine is, by its description; undefined: drayage did not make it for this guest. */
export function madeFor(guest: string, vm: SeenVm): 'half' | 'whole' | undefined {
  const text = vm.config?.description ?? '';
  if (text.includes(beingMade(guest))) return 'half';
  return text.includes(`Made by drayage for the guest ${guest},`) ? 'whole' : undefined;
}

/** What the operator's files have by number, and the cluster by the same name, is this guest, whoever made it. */
export function isEntered(vm: SeenVm, { name, vmid, vmName }: GuestWish): boolean {
  return vm.vmid === vmid && vm.name === (vmName ?? name) && !vm.template;
}
