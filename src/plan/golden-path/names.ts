import type { Journey } from './facts.ts';

/** The phase that its steps belong to. Phases of drayage.yaml have no blank in their names. */
export const phaseOf = ({ direction, node }: Journey): string => `maintenance ${direction} ${node}`;

/** The journey that a phase belongs to; undefined: it is one of drayage.yaml. */
export function journeyOf(phase: string): Journey | undefined {
  const [, direction, node] = /^maintenance (enter|leave) (.+)$/.exec(phase) ?? [];
  return direction === undefined || node === undefined
    ? undefined
    : { direction: direction as Journey['direction'], node };
}

/** The command that goes on with it. */
export const commandOf = (journey: Journey): string => `drayage ${phaseOf(journey)}`;

/** What the copy of a share to a node goes by, beside the names of moves, which have no `@`. */
export const copyKey = (share: string, toNode: string): string => `${share}@${toNode}`;

/**
 * The snapshot of rsync's copy, as it was proven and handed over; drayage takes it anew each time. Those that `zfs send`
 * carries have a number after it: `drayage-maintenance-7`.
 */
export const handoverSnapshot = 'drayage-maintenance';

/** The tag of drayage's holds. */
export const holdTag = 'drayage';

/** The number of a snapshot that `zfs send` carried; undefined: it is none of these. */
export function numberOf(snapshot: string): number | undefined {
  const [, number] = /^drayage-maintenance-(\d{1,9})$/.exec(snapshot) ?? [];
  return number === undefined ? undefined : Number(number);
}
