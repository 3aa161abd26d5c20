import type { ErrorCatalogue } from '../../errors/error.ts';
import { exitCode } from '../../errors/exit-code.ts';
import type { Blocker } from '../plan.ts';

const refused = exitCode.refused;

/** Why shares and guests cannot be carried as the world is now. */
export const maintenancePlanErrors = {
  'maintenance/no-share': {
    exit: refused,
    meaning:
      'A share is carried to nodes that its `maintenance` names, or to nodes at which its mapping has the same path of one cluster file system.',
  },
  'maintenance/not-reached': {
    exit: refused,
    meaning: 'Both nodes must answer, and every guest that is to be stopped in order.',
  },
  'maintenance/node-offline': {
    exit: refused,
    meaning: 'The cluster says that the node is not online: no guest can be migrated to it.',
  },
  'maintenance/missing-privilege': {
    exit: refused,
    meaning:
      'The token may not do what carrying the guests takes: shutting them down and starting them, migrating them, and changing the mapping.',
  },
  'maintenance/no-quorum': {
    exit: refused,
    meaning: 'A cluster without quorum accepts no change: neither the mapping nor a migration.',
  },
  'maintenance/no-marker': {
    exit: refused,
    meaning:
      'Exactly one place of a share has the marker that says: here is the current data. Without it nothing can be carried, and with two nobody can say which one to carry.',
  },
  'maintenance/not-here': {
    exit: refused,
    meaning: 'The place that the guests would leave does not have the current data of the share.',
  },
  'maintenance/no-place': {
    exit: refused,
    meaning:
      'The place on the other node must be a directory that exists, and mounted where the configuration says so. drayage makes a dataset, and never a bare directory: it could lie on the wrong disk.',
  },
  'maintenance/guest-on-old-data': {
    exit: refused,
    meaning:
      'A guest runs on the node to which the share is carried, where its data is not the current one. What it writes there would be mixed with what is carried, or lost.',
  },
  'maintenance/occupied': {
    exit: refused,
    meaning:
      'The place on the other node has something in it that drayage did not bring: it would be deleted.',
  },
  'maintenance/submounts': {
    exit: refused,
    meaning:
      'Other file systems, such as child datasets, are mounted inside the share. A copy stops at them, and the guests would miss what is in them.',
  },
  'maintenance/no-room': {
    exit: refused,
    meaning: 'The place on the other node has less room than the data takes.',
  },
  'maintenance/missing-tool': {
    exit: refused,
    meaning: 'A program that the copy or its check needs is not installed on a node.',
  },
  'maintenance/rsync-refuses': {
    exit: refused,
    meaning:
      'The rsync of this node was tried with the options of every pass, dry, and refused. rsync 3.2.6 or newer, with ACLs and extended attributes, has them all.',
  },
  'maintenance/no-ssh': {
    exit: refused,
    meaning: 'The node that takes the data pulls it from the other one by ssh, without a question.',
  },
  'maintenance/mapping': {
    exit: refused,
    meaning:
      'The directory mapping must point the node that has the data at it: its guests start by this entry, and must find it again.',
  },
  'maintenance/unknown-guest': {
    exit: refused,
    meaning:
      'A virtual machine that is not in drayage.yaml has a device of this share. It would go on writing to the old place, or start on it later.',
  },
  'maintenance/guest-elsewhere': {
    exit: refused,
    meaning: 'The guest is not on the node that is to be left, so it cannot be migrated from there.',
  },
  'maintenance/passthrough': {
    exit: refused,
    meaning:
      'A guest with PCI passthrough (hostpci) is bound to the hardware of its node: Proxmox VE does not migrate it. It can only stay behind, stopped.',
  },
  'maintenance/ha': {
    exit: refused,
    meaning:
      'High availability starts and moves this guest by itself, and answers a stop or a migration as soon as it is requested, not when it is done.',
  },
  'maintenance/other-share': {
    exit: refused,
    meaning:
      'The guest has a device of another mapping, which has no entry for the other node: it could not be migrated, nor started there.',
  },
  'maintenance/in-use': {
    exit: refused,
    meaning:
      'What is to be let go is a standby that no guest needs: not the current data, and not a place that a guest starts on.',
  },
  'maintenance/unguarded': {
    exit: refused,
    meaning:
      'The unit uses the share and does not assert its marker: on a sealed place, or on an empty directory, it would start all the same.',
  },
} as const satisfies ErrorCatalogue;

export function maintenanceBlocker(
  code: keyof typeof maintenancePlanErrors,
  facts: Pick<Blocker, 'seen' | 'next'>,
): Blocker {
  return { code, meaning: maintenancePlanErrors[code].meaning, ...facts };
}
