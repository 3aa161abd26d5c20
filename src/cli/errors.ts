import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

export const usageErrors = {
  'usage/unknown-shell': {
    exit: exitCode.usage,
    meaning: 'Completion scripts exist for bash, zsh and fish.',
  },
  'usage/no-terminal': {
    exit: exitCode.usage,
    meaning: 'The command asks before it goes on, and there is no terminal on which it could ask.',
  },
  'usage/no-moves': { exit: exitCode.usage, meaning: 'Without a move there is nothing to plan.' },
  'usage/two-choices': {
    exit: exitCode.usage,
    meaning: 'What was written since the hand-over is either carried back or discarded.',
  },
  'usage/unknown-move': { exit: exitCode.usage, meaning: 'drayage.yaml has no move of this name.' },
  'usage/unknown-phase': { exit: exitCode.usage, meaning: 'drayage.yaml has no phase of this name.' },
  'usage/no-hosts': {
    exit: exitCode.usage,
    meaning: 'drayage.yaml does not say where your list of machines is (hosts.file).',
  },
  'usage/no-share': {
    exit: exitCode.usage,
    meaning: 'Which share the guest shall have is not said, or there is no share of that name.',
  },
  'usage/provider-version': {
    exit: exitCode.usage,
    meaning:
      'drayage knows the provider bpg/proxmox from 0.76.0 up to 1.0, one version or the patches of a minor one.',
  },
  'usage/no-endpoint': {
    exit: exitCode.usage,
    meaning: 'Neither drayage.yaml nor the environment names the address of the Proxmox VE API.',
  },
  'verify/not-moved': {
    exit: exitCode.refused,
    meaning: 'A move is compared with the snapshot of its window; there is none before the release.',
  },
  'apply/blocked': { exit: exitCode.refused, meaning: 'The plan has blockers; nothing was changed.' },
  'apply/drifted': {
    exit: exitCode.drifted,
    meaning:
      'What would be done now is not what the plan in the file says: the world has changed since it was made.',
  },
} as const satisfies ErrorCatalogue;

export const usageError = errorsOf(usageErrors);
