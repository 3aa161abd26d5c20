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

/** The snapshot of the copy, as it was proven and handed over. drayage takes it anew each time. */
export const handoverSnapshot = 'drayage-maintenance';
