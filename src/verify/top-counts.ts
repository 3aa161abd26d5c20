import type { Host } from '../ssh/host.ts';
import { verifyError } from './errors.ts';
import { printableName } from './name.ts';
import { nulRecords } from './records.ts';

/** Entries below each name at the top of a tree, itself included; names are bytes as latin1. */
export type TopCounts = ReadonlyMap<string, number>;

/** A guest that cannot list its tree within this time has lost its virtiofsd. */
const countTimeoutSeconds = 600;

/** find walks one top after the other, so that equal names stand beside each other. */
export const countScript =
  'cd -- "$1" && find . -xdev -mindepth 1 -path ./.drayage -prune -o -mindepth 1 ! -newerct "$2" -printf "%P\\0" | cut -z -d / -f 1 | uniq -z -c';

/**
 * Counts the entries whose ctime is not after `newest`, by the name at the top that they are below. What is written
 * later has a later ctime, so a count can only fall as time goes on.
 * @param newest seconds since the epoch with their fraction, by the clock of the machine that stores the tree
 * @throws verify/unreadable-output
 */
export async function countTops(host: Host, path: string, newest: string): Promise<TopCounts> {
  const counts = new Map<string, number>();
  const parser = nulRecords((record) => {
    const found = /^ *(\d+) (.*)$/s.exec(record);
    if (found === null) throw notUnderstood(host, record);
    const [, number, name] = found as unknown as [string, string, string];
    counts.set(name, (counts.get(name) ?? 0) + Number(number));
  });
  const result = await host.run(['sh', '-c', countScript, 'sh', path, `@${newest}`], {
    timeoutSeconds: countTimeoutSeconds,
  });
  parser.push(result.stdout);
  if (result.exitCode !== 0 || parser.rest() !== '')
    throw notUnderstood(host, result.stderr.toString('utf8'));
  return counts;
}

function notUnderstood(host: Host, seen: string): Error {
  return verifyError('verify/unreadable-output', {
    seen: `find on ${host.name} printed: ${printableName(seen.slice(0, 300))}`,
    next: [`ssh ${host.name} find --version`],
  });
}

/**
 * Which tops a guest does not see as the node has them: its count must lie between those that the node had right
 * before and right after. @returns one line for each
 */
export function unlike(guest: TopCounts, before: TopCounts, after: TopCounts): string[] {
  const wrong: string[] = [];
  for (const name of new Set([...guest.keys(), ...before.keys()])) {
    const [most, seen, least] = [before, guest, after].map((counts) => counts.get(name) ?? 0) as [
      number,
      number,
      number,
    ];
    if (seen <= most && seen >= least) continue;
    wrong.push(`${printableName(name)}: ${seen} entries there, ${most} on the node`);
  }
  return wrong;
}
