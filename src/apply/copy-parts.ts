import { notData } from '../copy/not-data.ts';
import type { Operation } from '../plan/operation.ts';
import { count } from '../plan/render/words.ts';
import type { Tree } from '../verify/tree.ts';
import { firstNotHeld } from './check.ts';
import { applyError } from './errors.ts';
import type { Amount } from './events.ts';
import type { World } from './world.ts';

/** A copy operation of a plan. */
export type Copy = Extract<Operation, { kind: 'copy' }>;

/** Looked at again before each pass after the first one: an hour may lie between. @throws apply/guard */
export async function refuseUnguarded(operation: Copy, world: World, step: string): Promise<void> {
  const guard = await firstNotHeld(operation.guards ?? [], world, step);
  if (guard === undefined) return;
  throw applyError('apply/guard', {
    seen: `${operation.what}: it must hold that ${guard.check.what}. Seen: ${guard.seen}`,
    next: ['drayage status', 'drayage plan'],
  });
}

/** Both sides of a copy, without what stays behind and without drayage's own folder at the top of a share. */
export function sidesOf(
  copy: {
    readonly source: { readonly host: string; readonly path: string };
    readonly target: { readonly host: string; readonly path: string; readonly topIsShare: boolean };
    readonly exclude: readonly string[];
  },
  world: World,
): { source: Tree; target: Tree } {
  const { source, target } = copy;
  const exclude = target.topIsShare ? [...copy.exclude, ...notData] : copy.exclude;
  return {
    source: { host: world.hosts(source.host), path: source.path, exclude },
    target: { host: world.hosts(target.host), path: target.path, exclude },
  };
}

/** Both sides of a copy operation. */
export const sidesOfCopy = (operation: Copy, world: World) =>
  sidesOf({ ...operation, target: { ...operation.target, host: operation.host } }, world);

/**
 * Hands on how far something has come, with the totals of the census where the work itself knows none. A pass over what is
 * there already sends few of the bytes: it has no total of them.
 */
export function telling(
  world: World,
  step: string,
  what: string,
  total?: { entries: number; bytes?: number },
) {
  return ({ files, bytes }: { readonly files: Amount; readonly bytes: Amount }): void => {
    world.sink({
      type: 'progress',
      step,
      what,
      files: total === undefined ? files : { total: total.entries, ...files },
      bytes: total?.bytes === undefined ? bytes : { total: total.bytes, ...bytes },
    });
  };
}

/** A list of this many entries costs less than a pass over any tree. */
const alwaysAList = 10_000;

/** A list is held in memory on both sides of a comparison, about 1 KB for each entry. */
const neverAList = 250_000;

/** The share of a tree above which a list is not used; nothing is too much of a small tree. */
export const shareOf = (operation: Copy, known: { readonly entries: number }) => {
  const entries = Math.max(1, known.entries);
  return Math.min(Math.max(operation.maxShare, alwaysAList / entries), neverAList / entries);
};

/** The entries of a move by the census; undefined when it was not counted. */
export function entriesOf(world: World, move: string): { entries: number } | undefined {
  const known = world.census[move];
  return known === undefined ? undefined : { entries: known.entries };
}

export function say(world: World, text: string, level: 'info' | 'warning' = 'info'): void {
  world.sink({ type: 'message', level, text });
}

export const entries = (number: number) => count(number, 'entry', 'entries');
