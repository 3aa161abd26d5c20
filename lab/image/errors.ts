import { type ErrorCatalogue, errorsOf } from '../../src/errors/error.ts';

const catalogue = {
  'lab/no-mirror': {
    meaning:
      "The guest image is made from Debian packages, fetched from the archive that this machine's apt uses.",
    exit: 1,
  },
  'lab/missing-tool': {
    meaning: 'The guest image is built with tools of this machine, and some are not installed.',
    exit: 1,
  },
  'lab/image-build-failed': {
    meaning:
      'Building the guest image ended with an error. Nothing is kept of it; the next build starts afresh.',
    exit: 1,
  },
} satisfies ErrorCatalogue;

/** Makes the errors of the lab's image build. */
export const labError = errorsOf(catalogue);
