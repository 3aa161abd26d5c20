import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

/** OpenTofu and Terraform, the provider bpg/proxmox, and what drayage refuses to let them do. */
export const tofuErrors = {
  'tofu/not-configured': {
    exit: exitCode.usage,
    meaning: 'drayage.yaml has no `tofu` section: it does not say where OpenTofu keeps its files.',
  },
  'tofu/not-found': {
    exit: exitCode.failed,
    meaning: 'Neither `tofu` nor `terraform` is on the PATH of this machine.',
  },
  'tofu/old-binary': {
    exit: exitCode.failed,
    meaning:
      '`removed` blocks with a `lifecycle`, which keep a machine that left the fleet, are known from 1.10 of OpenTofu and 1.7 of Terraform on.',
  },
  'tofu/mapping-id': {
    exit: exitCode.usage,
    meaning:
      'The id of a directory mapping is a letter, then letters, digits, "_" or "-"; as the tag of a virtiofs device it has at most 36 bytes (QEMU refuses a longer one).',
  },
  'tofu/fleet': {
    exit: exitCode.usage,
    meaning: 'The settings of a virtual machine cannot be written as a resource of the provider bpg/proxmox.',
  },
  'tofu/nothing-to-import': {
    exit: exitCode.refused,
    meaning:
      'The settings say that this virtual machine exists and is not to be cloned, and the cluster does not have it: an empty one would be created.',
  },
  'tofu/foreign-file': {
    exit: exitCode.refused,
    meaning: 'A file of this name is there, and drayage did not make it. It was left as it is.',
  },
  'tofu/edited-file': {
    exit: exitCode.refused,
    meaning:
      'The file was made by drayage and changed by somebody since: what was added to it would be lost. It was left as it is.',
  },
  'tofu/stale': {
    exit: exitCode.failed,
    meaning: 'The generated files are not what drayage would write now.',
  },
  'tofu/no-folder': {
    exit: exitCode.usage,
    meaning: 'The folder that `tofu.folder` names does not exist.',
  },
  'tofu/not-initialised': {
    exit: exitCode.failed,
    meaning:
      'The working folder has not been initialised, or not for this provider, and `init` did not change that.',
  },
  'tofu/invalid': {
    exit: exitCode.failed,
    meaning: 'The configuration in this folder is not valid.',
  },
  'tofu/failed': { exit: exitCode.failed, meaning: 'The command ended with an error, in its own words.' },
  'tofu/unreadable-output': {
    exit: exitCode.failed,
    meaning: 'The command printed something that is not in its documented format.',
  },
  'tofu/unknown-format': {
    exit: exitCode.refused,
    meaning:
      'The plan has a format that this drayage does not know. What it would do cannot be told, so it is not applied.',
  },
  'tofu/state-locked': {
    exit: exitCode.locked,
    meaning:
      'Another run of OpenTofu or Terraform holds the lock of the state. drayage never passes -lock=false and never removes a lock.',
  },
  'tofu/state-lost': {
    exit: exitCode.refused,
    meaning:
      'drayage has applied a plan here before, and the state that came of it is gone or is an older or another one: a plan made from this state would create what exists already.',
  },
  'tofu/refused': {
    exit: exitCode.refused,
    meaning:
      'The plan would destroy, replace or forget something, start, stop or move a machine, or do something that drayage has no name for. Nothing was applied.',
  },
  'tofu/journey-open': {
    exit: exitCode.refused,
    meaning:
      'drayage has carried something half way, or to another node: until that has ended, OpenTofu must not change the machines and mappings that it is about. Nothing was applied, and --allow does not help.',
  },
  'tofu/other-changes': {
    exit: exitCode.partial,
    meaning:
      'The plan would also do other things than make the guest. They are not done by the way: nothing was applied.',
  },
  'tofu/not-in-plan': {
    exit: exitCode.partial,
    meaning:
      'The files describe the guest, and the plan does not make it: it is `readonly` in hosts.nix, or the generated files are not those that OpenTofu reads.',
  },
  'tofu/not-made': {
    exit: exitCode.partial,
    meaning:
      'OpenTofu has nothing left to do, and the guest is not in the cluster under its number and name.',
  },
  'tofu/unknown-address': {
    exit: exitCode.usage,
    meaning: '--allow names an address with which the plan does nothing that needs it.',
  },
} as const satisfies ErrorCatalogue;

export const tofuError = errorsOf(tofuErrors);
