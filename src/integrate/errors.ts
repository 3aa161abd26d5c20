import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

export const integrateErrors = {
  'integrate/no-guest': {
    exit: exitCode.refused,
    meaning: 'There is no virtual machine of this name or number that the token may see.',
  },
  'integrate/several-guests': {
    exit: exitCode.usage,
    meaning: 'More than one virtual machine has this name.',
  },
  'integrate/is-a-template': {
    exit: exitCode.refused,
    meaning: 'A template does not run, so there is nothing to fit in.',
  },
  'integrate/stopped': {
    exit: exitCode.refused,
    meaning: 'The virtual machine does not run: it has no address, and nobody in it to ask.',
  },
  'integrate/no-address': {
    exit: exitCode.failed,
    meaning:
      'The guest agent tells of no address of the guest: it has not booted that far, got no lease, or the agent does not run in it.',
  },
  'integrate/not-reached': {
    exit: exitCode.failed,
    meaning: 'No ssh server with the host key of the guest answered in time.',
  },
  'integrate/host-key-unknown': {
    exit: exitCode.refused,
    meaning:
      'The host key of the guest could not be learned from the guest itself. What the address shows proves nothing: anybody can answer there. Nothing was sent to it.',
  },
  'integrate/other-machine': {
    exit: exitCode.refused,
    meaning:
      'What answers at the address has another host key than the guest: the address belongs to another machine, or somebody sits between. Nothing was sent to it.',
  },
  'integrate/unknown-share': { exit: exitCode.usage, meaning: 'drayage.yaml has no share of this name.' },
  'integrate/unknown-part': { exit: exitCode.usage, meaning: 'There is no part of this name to skip.' },
} as const satisfies ErrorCatalogue;

export const integrateError = errorsOf(integrateErrors);
