import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

/** What the API's answers mean, in its own documented words. */
export const proxmoxErrors = {
  'proxmox/unreachable': {
    exit: exitCode.failed,
    meaning: 'No answer came from the address of the Proxmox VE API.',
  },
  'proxmox/certificate': {
    exit: exitCode.refused,
    meaning:
      'The certificate of the API is not the one that is expected. Nothing was sent to it, the token least of all.',
  },
  'proxmox/authority': {
    exit: exitCode.usage,
    meaning: 'The file that cluster.ca names, with the certificate authority of the cluster, cannot be read.',
  },
  'proxmox/unauthorized': {
    exit: exitCode.refused,
    meaning: 'The API does not know this token: its name or its secret is wrong, or it has expired.',
  },
  'proxmox/permission': {
    exit: exitCode.refused,
    meaning: 'The token lacks a privilege that this call needs.',
  },
  'proxmox/parameter': {
    exit: exitCode.failed,
    meaning: 'The API refused a parameter ("Parameter verification failed").',
  },
  'proxmox/conflict': {
    exit: exitCode.drifted,
    meaning: 'The configuration was changed by somebody else since it was read (its digest differs).',
  },
  'proxmox/not-found': { exit: exitCode.failed, meaning: 'The API knows no such object.' },
  'proxmox/exists': { exit: exitCode.failed, meaning: 'There is already an object of that name.' },
  'proxmox/locked': {
    exit: exitCode.failed,
    meaning:
      'Another task holds the lock of this virtual machine, of its configuration file, or of a file of the cluster.',
  },
  'proxmox/no-quorum': {
    exit: exitCode.failed,
    meaning: 'Too few nodes of the cluster see each other: its configuration (/etc/pve) is read-only.',
  },
  'proxmox/outcome-unknown': {
    exit: exitCode.partial,
    meaning:
      'The connection ended before the answer came (or the node in between gave up waiting): the change may have been made.',
  },
  'proxmox/task-failed': {
    exit: exitCode.failed,
    meaning: 'The task that the call started did not end well; its log says why.',
  },
  'proxmox/task-timeout': {
    exit: exitCode.partial,
    meaning: 'The task is still running after the time it was given.',
  },
  'proxmox/task-left': {
    exit: exitCode.interrupted,
    meaning: 'Waiting was given up on request; the task itself goes on.',
  },
  'proxmox/unexpected': {
    exit: exitCode.failed,
    meaning: 'The API answered with something that drayage has no name for.',
  },
} as const satisfies ErrorCatalogue;

export const proxmoxError = errorsOf(proxmoxErrors);
