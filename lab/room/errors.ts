import { type ErrorCatalogue, errorsOf } from '../../src/errors/error.ts';
import { exitCode } from '../../src/errors/exit-code.ts';

export const roomErrors = {
  'lab/not-root': {
    meaning: 'The lab mounts file systems and makes network cards, which Linux allows to root alone.',
    exit: exitCode.refused,
  },
  'lab/missing-command': {
    meaning: 'The lab runs on tools of this machine, and some are not installed.',
    exit: exitCode.failed,
  },
  'lab/already-running': {
    meaning: 'One state folder holds one lab at a time.',
    exit: exitCode.locked,
  },
  'lab/not-running': {
    meaning: 'The command needs a running lab, and none runs with this state folder.',
    exit: exitCode.failed,
  },
  'lab/room-failed': {
    meaning: 'The lab did not come up. What it had started is gone; its logs are left.',
    exit: exitCode.failed,
  },
  'lab/unknown-guest': {
    meaning: 'The lab has a fixed set of guests.',
    exit: exitCode.usage,
  },
} satisfies ErrorCatalogue;

export const roomError = errorsOf(roomErrors);
