import { getDatasetProperties } from '../../zfs/commands.ts';
import type { Check, Operation } from '../operation.ts';
import { emptyStep, type Step } from '../plan.ts';
import type { Passage, Place } from './context.ts';

/** A step of a share on its way. */
export function stepOf(
  passage: Passage,
  id: string,
  rest: Partial<Step> & Pick<Step, 'stage' | 'title' | 'why'>,
): Step {
  return {
    id: `${id} ${passage.key}`,
    phase: passage.phase,
    move: passage.key,
    ...emptyStep(),
    ...rest,
  };
}

/** Whether a place can be written to, as a check. */
export function sealed(place: Place, wanted: boolean): Check {
  const what = `${place.node}:${place.path} ${wanted ? 'cannot' : 'can'} be written to`;
  if (place.dataset !== undefined)
    return {
      kind: 'run',
      host: place.node,
      argv: getDatasetProperties(place.dataset, ['readonly']),
      expect: { exitCode: 0, stdout: wanted ? 'on' : 'off' },
      what,
    };
  // The first word of lsattr(1) is the flags; a file system without them has no seal to lift.
  const script =
    'flags=$(lsattr -d -- "$1" 2>/dev/null | cut -d " " -f 1); case $flags in *i*) echo on ;; *) echo off ;; esac';
  return {
    kind: 'run',
    host: place.node,
    argv: ['sh', '-c', script, 'sh', place.path],
    expect: { exitCode: 0, stdout: wanted ? 'on' : 'off' },
    what,
  };
}

/** @param wanted close it, or open it again */
export function seal(place: Place, wanted: boolean, guards: readonly Check[]): Operation {
  const argv =
    place.dataset === undefined
      ? ['chattr', wanted ? '+i' : '-i', '--', place.path]
      : ['zfs', 'set', `readonly=${wanted ? 'on' : 'off'}`, place.dataset];
  const what = wanted ? 'from here on it cannot be written to' : 'it can be written to again';
  return { kind: 'run', host: place.node, argv, guards: [...guards], what };
}
