import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

export const workloadErrors = {
  'workloads/unknown-shape': {
    meaning:
      'A program answered in a form that drayage does not know. It reads what podman 4.3 to 5, docker and systemctl print, and does not guess at anything else.',
    exit: exitCode.failed,
  },
} as const satisfies ErrorCatalogue;

export const workloadError = errorsOf(workloadErrors);
