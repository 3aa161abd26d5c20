import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

export const createErrors = {
  'create/ssh-key-file': {
    exit: exitCode.usage,
    meaning: 'The file with the public ssh keys for cloud-init cannot be used.',
  },
  'create/option': {
    exit: exitCode.usage,
    meaning: 'What was given for the guest is not of the form that it must have. Nothing was changed.',
  },
  'create/no-answer': {
    exit: exitCode.usage,
    meaning: 'The input ended before every question was answered. Nothing was changed.',
  },
  'create/nothing-said': {
    exit: exitCode.usage,
    meaning:
      'A guest is made from a template, and none is named: neither by --template nor as `create` of the guest in drayage.yaml.',
  },
  'create/said-twice': {
    exit: exitCode.usage,
    meaning:
      'How the guest shall be stands in drayage.yaml already; options beside it would say it a second time.',
  },
  'create/no-number': {
    exit: exitCode.failed,
    meaning: 'Of the next hundred numbers none is free in the cluster, in hosts.nix and in drayage.yaml.',
  },
  'create/bad-name': {
    exit: exitCode.usage,
    meaning: 'The name of a guest is a host name too: at most 63 letters, digits and "-".',
  },
  'create/clone-goes-on': {
    exit: exitCode.partial,
    meaning:
      'A clone is under way that may be the one that an earlier run has begun; until its end it has no name.',
  },
} as const satisfies ErrorCatalogue;

export const createError = errorsOf(createErrors);
