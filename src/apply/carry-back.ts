import { namesOf } from '../copy/change-list/look.ts';
import { pushList } from '../copy/push-list.ts';
import type { Operation } from '../plan/operation.ts';
import { type Differing, parseDiffering } from '../plan/way-back/differing.ts';
import { applyError } from './errors.ts';
import type { World } from './world.ts';

type CarryBack = Extract<Operation, { kind: 'carry-back' }>;

const again = 'drayage rollback --carry-back';

/**
 * What the target has written goes back to the source, by the node that has it: exactly the names that are not as the
 * snapshot of the cutover has them, or, without such a list, the whole tree. Deletions are counted before anything is
 * deleted, and every per-file error is one, as in the pass of a window.
 */
export async function carryBack(operation: CarryBack, world: World, step: string): Promise<void> {
  if ((operation.guards ?? []).length === 0) {
    throw applyError('apply/unguarded-delete', {
      seen: `carrying back move ${operation.move} deletes on ${operation.to.host}, and has no guard`,
      next: ['drayage rollback   # a plan that drayage made has them; this one was changed'],
    });
  }
  const node = world.hosts(operation.host);
  const { move, argv, from, maxDelete } = operation;
  const parts = {
    puller: node,
    source: node,
    signal: world.stop,
    progress: (progress: Parameters<NonNullable<Parameters<World['pass']>[1]['progress']>>[0]) =>
      world.sink({ type: 'progress', step, what: operation.what, ...progress }),
  };
  // Until something was carried by its list, everything must be compared.
  world.finals.delete(move);
  const result =
    operation.listing === undefined
      ? await world.pass({ move, pass: 'final', argv, source: from, maxDelete }, parts)
      : await byList(operation, operation.listing, world, parts);
  world.sink({
    type: 'message',
    level: 'info',
    text: `Carried back to ${operation.to.host}:${operation.to.path}: ${result.changed} entries changed, ${result.deleted} deleted.`,
  });
}

/** The comparison then reads exactly these names: everything else was equal, and is as it was. */
async function byList(
  operation: CarryBack,
  listing: readonly string[],
  world: World,
  parts: Parameters<typeof pushList>[2],
) {
  const { move, argv, maxDelete, topIsShare, goneLater = false } = operation;
  const list = await withLinks(operation, await differing(operation, listing, world), world);
  const result = await pushList({ move, argv, maxDelete, topIsShare, goneLater, again }, list, parts);
  const top = topIsShare ? [] : ['.'];
  world.finals.set(move, { listed: [...top, ...list.now.keys(), ...list.gone], inodes: new Map() });
  return result;
}

/**
 * A name is new where the directory around it was renamed, and its inode is not: its other names, which are as they were,
 * must go to the same rsync, or the link is lost.
 */
async function withLinks(operation: CarryBack, list: Differing, world: World): Promise<Differing> {
  const { host, from, exclude = [] } = operation;
  const inodes = {
    size: list.inodes.size,
    has: (inode: string) => list.inodes.has(inode.slice(inode.indexOf(':') + 1)),
  };
  const side = { host: world.hosts(host), path: from.path, exclude, mayVanish: false, signal: world.stop };
  const linked = await namesOf(side, inodes);
  return {
    ...list,
    now: new Map([...[...linked.keys()].map((name) => [name, false] as const), ...list.now]),
  };
}

async function differing(operation: CarryBack, listing: readonly string[], world: World) {
  const result = await world.hosts(operation.host).run(listing, { signal: world.stop });
  const found = result.exitCode === 0 ? parseDiffering(result.stdout.toString('latin1')) : undefined;
  if (found !== undefined) return found;
  throw applyError('apply/unreadable-output', {
    seen: `what was written below ${operation.from.path} on ${operation.host}: exit code ${result.exitCode}: ${result.stderr.toString('utf8').trim()}`,
    next: [`ssh ${operation.host} ls -la ${operation.from.path}`, again],
  });
}
