import { type ErrorCatalogue, errorsOf } from '../../src/errors/error.ts';

const catalogue = {
  'lab/docker-guest-build-failed': {
    meaning:
      'Adding docker to the guest image ended with an error. Nothing is kept of it; the next build starts afresh.',
    exit: 1,
  },
  'lab/docker-guest-boot-failed': {
    meaning: 'The guest with docker did not answer ssh, or its docker did not start.',
    exit: 1,
  },
} satisfies ErrorCatalogue;

/** Makes the errors of the guest with docker. */
export const dockerGuestError = errorsOf(catalogue);
