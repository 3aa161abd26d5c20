import { parsePasswd } from '../guest/facts.ts';
import { probe } from '../guest/probe.ts';
import type { Host } from '../ssh/host.ts';
import type { Owner, UnknownOwner } from './source-findings.ts';

interface Range {
  readonly first: number;
  readonly count: number;
}

/** The numbers that mean somebody on a guest: lines of passwd and group, and everybody's subordinate ranges. */
export interface KnownIds {
  readonly uid: { readonly own: ReadonlySet<number>; readonly ranges: readonly Range[] };
  readonly gid: { readonly own: ReadonlySet<number>; readonly ranges: readonly Range[] };
}

/** Asks a guest; undefined where its users cannot be listed. */
export async function readKnownIds(host: Host): Promise<KnownIds | undefined> {
  const answers = await probe(host, {
    passwd: ['getent', 'passwd'],
    group: ['getent', 'group'],
    subuid: ['cat', '/etc/subuid'],
    subgid: ['cat', '/etc/subgid'],
  });
  if (answers.passwd.exitCode !== 0 || answers.group.exitCode !== 0) return undefined;
  const users = parsePasswd(answers.passwd.stdout);
  return {
    uid: { own: new Set(users.map((user) => user.uid)), ranges: rangesOf(answers.subuid.stdout) },
    gid: {
      own: new Set([...users.map((user) => user.gid), ...groupsOf(answers.group.stdout)]),
      ranges: rangesOf(answers.subgid.stdout),
    },
  };
}

/** Owners that the target does not know, most frequent first; users and groups apart. */
export function unknownOwners(
  owners: readonly Owner[],
  source: KnownIds | undefined,
  target: KnownIds,
): UnknownOwner[] {
  return (['uid', 'gid'] as const)
    .flatMap((kind) => {
      const entries = new Map<number, number>();
      for (const owner of owners) entries.set(owner[kind], (entries.get(owner[kind]) ?? 0) + owner.entries);
      return [...entries]
        .filter(([id]) => !knows(target[kind], id))
        .map(([id, count]) => ({
          kind,
          id,
          entries: count,
          knownOnSource: source !== undefined && knows(source[kind], id),
        }));
    })
    .sort((a, b) => b.entries - a.entries || a.kind.localeCompare(b.kind) || a.id - b.id);
}

function knows(known: KnownIds['uid'], id: number): boolean {
  return known.own.has(id) || known.ranges.some(({ first, count }) => id >= first && id < first + count);
}

/** Numbers of `getent group` (group(5)). */
function groupsOf(text: string): number[] {
  return text.split('\n').flatMap((line) => {
    const gid = line.split(':')[2];
    return gid !== undefined && /^\d+$/.test(gid) ? [Number(gid)] : [];
  });
}

/** All ranges of /etc/subuid or /etc/subgid, whoever has them (subuid(5)). */
function rangesOf(text: string): Range[] {
  return text.split('\n').flatMap((line) => {
    const [, first, count] = line.trim().split(':');
    return /^\d+$/.test(first ?? '') && /^\d+$/.test(count ?? '')
      ? [{ first: Number(first), count: Number(count) }]
      : [];
  });
}
