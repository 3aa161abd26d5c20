import { type ErrorCatalogue, errorsOf } from '../../src/errors/error.ts';

const catalogue = {
  'lab/zfs-guest-build-failed': {
    meaning:
      'Adding OpenZFS to the guest image ended with an error. Nothing is kept of it; the next build starts afresh.',
    exit: 1,
  },
  'lab/zfs-modules-missing': {
    meaning: 'Ready-made ZFS modules were asked for and are not there; without the request they are built.',
    exit: 2,
  },
  'lab/zfs-guest-boot-failed': {
    meaning: 'The guest with OpenZFS did not answer ssh, or could not load its modules.',
    exit: 1,
  },
} satisfies ErrorCatalogue;

/** Makes the errors of the guest with OpenZFS. */
export const zfsGuestError = errorsOf(catalogue);
