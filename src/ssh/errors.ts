import type { ErrorCatalogue } from '../errors/error.ts';
import { errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

/** What can keep a command from being asked of a machine, in OpenSSH's and sudo's documented words. */
export const sshErrors = {
  'ssh/host-key-changed': {
    meaning:
      'The machine answered with another host key than the one in known_hosts: it was installed anew, its address now belongs to another machine, or somebody sits between. OpenSSH refuses to go on.',
    exit: exitCode.failed,
  },
  'ssh/host-key-unknown': {
    meaning:
      'No key of this machine is in known_hosts, and OpenSSH does not ask in batch mode. Nothing was sent to it.',
    exit: exitCode.failed,
  },
  'ssh/permission-denied': {
    meaning:
      'The machine refused every key that was offered for this user. drayage never types a password (BatchMode).',
    exit: exitCode.failed,
  },
  'ssh/refused': {
    meaning: 'The address answers, but nothing listens on that port.',
    exit: exitCode.failed,
  },
  'ssh/timeout': {
    meaning:
      'Nothing answered at that address in time: the machine is off, or a firewall or a missing route is in between.',
    exit: exitCode.failed,
  },
  'ssh/unknown-address': {
    meaning: 'The name of the machine could not be turned into an address.',
    exit: exitCode.failed,
  },
  'ssh/closed': {
    meaning:
      'The other end closed the connection before anybody was logged in: the machine, or the jump host or ProxyCommand that your ssh configuration puts in between (ssh does not pass on what those say when a connection is shared).',
    exit: exitCode.failed,
  },
  'ssh/connection-lost': {
    meaning:
      'The connection ended before the command reported how it ended. The command may still be running on that machine, or may have ended.',
    exit: exitCode.failed,
  },
  'ssh/failed': {
    meaning:
      'ssh ended with 255, which it documents as "an error occurred", before the command could be run.',
    exit: exitCode.failed,
  },
  'ssh/no-answer': {
    meaning:
      'The command gave no output and did not end within its time limit. It may still be running there: ending ssh does not end what it started.',
    exit: exitCode.failed,
  },
  'ssh/aborted': {
    meaning: 'The command was given up on request. It may still be running on that machine.',
    exit: exitCode.interrupted,
  },
  'ssh/sudo-password': {
    meaning: 'sudo wants a password for this user, and drayage never types one (`sudo -n`).',
    exit: exitCode.failed,
  },
  'ssh/sudo-refused': {
    meaning: 'The sudoers rules of that machine do not let this user run this command as root.',
    exit: exitCode.failed,
  },
  'ssh/missing': {
    meaning: 'OpenSSH is not installed on this machine, or not on its PATH.',
    exit: exitCode.failed,
  },
  'ssh/control-path': {
    meaning:
      'The folder for the shared ssh connections has too long a name: a unix socket holds 104 bytes, of which ssh needs 18 for itself.',
    exit: exitCode.failed,
  },
  'ssh/unknown-host': {
    meaning: 'drayage.yaml has neither a node nor a guest of that name.',
    exit: exitCode.usage,
  },
} as const satisfies ErrorCatalogue;

export const sshError = errorsOf(sshErrors);
