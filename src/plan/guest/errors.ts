import type { ErrorCatalogue } from '../../errors/error.ts';
import { exitCode } from '../../errors/exit-code.ts';
import type { Blocker } from '../plan.ts';

const refused = exitCode.refused;

/** Why a guest cannot be made, or fitted in, as the cluster is now. */
export const guestPlanErrors = {
  'guest/no-template': {
    exit: refused,
    meaning: 'There is no virtual machine of this number that the token may see.',
  },
  'guest/not-a-template': {
    exit: refused,
    meaning:
      'A guest is cloned from a template. A virtual machine that is none may be in use: its data, its host key and its identity would be doubled.',
  },
  'guest/template-without-agent': {
    exit: refused,
    meaning:
      'The template has no QEMU guest agent switched on. Through it drayage finds the address of the guest, and reads its host key.',
  },
  'guest/template-without-cloud-init': {
    exit: refused,
    meaning:
      'User, keys and address are given to a guest by cloud-init, and the template has no drive for it.',
  },
  'guest/template-without-disk': { exit: refused, meaning: 'The template has no disk that could be grown.' },
  'guest/disk-too-small': {
    exit: refused,
    meaning: 'Proxmox VE grows disks and never shrinks them: the template has a larger one already.',
  },
  'guest/name-taken': {
    exit: refused,
    meaning: 'Another virtual machine has this name, and drayage did not make it for this guest.',
  },
  'guest/vmid-taken': {
    exit: refused,
    meaning: 'Another virtual machine has this number, and drayage did not make it for this guest.',
  },
  'guest/made-twice': {
    exit: refused,
    meaning: 'More than one virtual machine says that drayage made it for this guest.',
  },
  'guest/clone-left-behind': {
    exit: refused,
    meaning:
      'A virtual machine is locked by a clone, and no such task runs: the node was restarted, or the task was ended, in the middle of it. Its disks are not whole.',
  },
  'guest/other-host-key': {
    exit: refused,
    meaning:
      'known_hosts has another key under this name: an earlier machine had the address. drayage takes no key away that it did not put there.',
  },
  'guest/not-entered': {
    exit: refused,
    meaning:
      'drayage.yaml says that OpenTofu keeps the virtual machines (`tofu`); it makes what is described in hosts.nix or drayage.yaml, and neither could be edited.',
  },
  'guest/other-template': {
    exit: refused,
    meaning:
      'OpenTofu would clone another template than the guest shall come from, or look for it on another node.',
  },
  'guest/missing-privilege': {
    exit: refused,
    meaning: 'The token lacks a privilege that making the guest takes.',
  },
} as const satisfies ErrorCatalogue;

export function guestBlocker(
  code: keyof typeof guestPlanErrors,
  facts: { seen: string; next: readonly string[] },
): Blocker {
  return { code, seen: facts.seen, meaning: guestPlanErrors[code].meaning, next: [...facts.next] };
}
