import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

export const nixErrors = {
  'nix/unreadable': {
    meaning: 'The file cannot be read, or is not UTF-8 text. Nothing was changed.',
    exit: exitCode.usage,
  },
  'nix/syntax': {
    meaning:
      'The file is not an expression of the Nix language (Nix manual, "Language"). Nothing was changed.',
    exit: exitCode.usage,
  },
  'nix/evaluation': {
    meaning:
      'Nix could not evaluate the file. drayage evaluates with `restrict-eval`: nothing outside the repository of the file is read, and nothing is fetched.',
    exit: exitCode.usage,
  },
  'nix/not-static': {
    meaning:
      'The value is computed (a function, `//`, `inherit`, an interpolation): without Nix on this machine drayage reads only what is written out.',
    exit: exitCode.usage,
  },
  'nix/value': {
    meaning: 'A value of the fleet is not of the kind that it must be.',
    exit: exitCode.usage,
  },
  'nix/no-host': {
    meaning:
      'A host is meant by its attribute name, `sshAlias`, `hostname` or `proxmox.name`, and exactly one host must have that name.',
    exit: exitCode.usage,
  },
  'nix/host-twice': {
    meaning:
      'Nix makes one set of two sets of one name, as long as they have no attribute in common. Which of the two is meant where something is to be changed cannot be told. Nothing was changed.',
    exit: exitCode.usage,
  },
  'nix/another-machine': {
    meaning: 'The guest of drayage.yaml and the host of the fleet have one name and different numbers.',
    exit: exitCode.usage,
  },
  'nix/not-editable': {
    meaning:
      'drayage changes only what is written out plainly: sets in braces, one binding for each name. What is computed, inherited, dotted or there twice it leaves to you. Nothing was changed.',
    exit: exitCode.usage,
  },
  'nix/taken': {
    meaning: 'A name or number of the new host is that of another one. Nothing was changed.',
    exit: exitCode.usage,
  },
  'nix/other-difference': {
    meaning:
      'The edited file would not differ from the one that is there in exactly the intended attribute. It was not written.',
    exit: exitCode.refused,
  },
  'nix/unexpected-output': {
    meaning:
      'nix-instantiate answered in a way that drayage does not know. It does not guess; nothing was changed.',
    exit: exitCode.failed,
  },
} as const satisfies ErrorCatalogue;

export const nixError = errorsOf(nixErrors);
