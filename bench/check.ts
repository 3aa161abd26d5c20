import { type BenchWorld, mustRun } from './world.ts';

/** What an independent tool says of an engine's result. */
export interface Checked {
  readonly equal: boolean;
  readonly differences: number;
  /** Items as rsync prints them, at most ten. */
  readonly first: readonly string[];
}

/**
 * Compares source and target by `rsync -aHAXSnci --delete`, which neither drayage nor a peer has had a hand in: contents,
 * modes, numeric owners, times, ACLs, xattrs, hard links, and names that should not be there. Holes it does not compare.
 */
export async function check(world: BenchWorld, target: string): Promise<Checked> {
  const argv = [
    ...['rsync', '-aHAXSnci', '--numeric-ids', '--delete', '--filter=-x trusted.SGI_ACL_*'],
    ...['--exclude=/.drayage', `${world.tree.root}/`, `${target}/`],
  ];
  const items = (await mustRun(world.node, argv)).split('\n').filter((line) => line !== '');
  return { equal: items.length === 0, differences: items.length, first: items.slice(0, 10) };
}
