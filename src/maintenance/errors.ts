import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';
import { maintenancePlanErrors } from '../plan/golden-path/errors.ts';

/** Of carrying shares to another node: why it cannot be planned, and what stands in its way. */
export const maintenanceErrors = {
  ...maintenancePlanErrors,
  'maintenance/window-open': {
    exit: exitCode.refused,
    meaning:
      'A window is open: workloads may be down. It is gone on with, or taken back, before anything else begins.',
  },
  'maintenance/which-node': {
    exit: exitCode.usage,
    meaning: 'More than one node can have the shares, so the one that is left must be named.',
  },
  'maintenance/unknown-node': {
    exit: exitCode.usage,
    meaning: 'The node is not among `nodes` of drayage.yaml.',
  },
} as const satisfies ErrorCatalogue;

export const maintenanceError = errorsOf(maintenanceErrors);
