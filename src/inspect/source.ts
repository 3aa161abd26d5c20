import { guestError } from '../guest/errors.ts';
import { type Answer, probe } from '../guest/probe.ts';
import type { Host, RunResult } from '../ssh/host.ts';
import { optional } from '../workloads/podman.ts';
import { AttributeCount, attributesArgv } from './attributes.ts';
import { Census, censusArgv, UnreadableRecord } from './census.ts';
import type { MountFindings, NotSeen, SourceDirectory, SourceFindings } from './findings.ts';
import { readHeaders } from './first-bytes.ts';
import { look } from './look.ts';
import { showName } from './names.ts';
import type { Noted } from './source-findings.ts';
import type { Names, Tally } from './tally.ts';

/** What is known before a source path is looked at. */
export interface SourceQuestion {
  readonly host: Host;
  /** Absolute path. */
  readonly path: string;
  /** Relative paths that are not copied and so not counted. */
  readonly exclude: readonly string[];
  readonly mounts: readonly MountFindings[];
  /** Roots of image stores of the guest, absolute. */
  readonly storeRoots: readonly string[];
  readonly missingTools: readonly string[];
  /** Told now and then how many entries have been counted. */
  readonly onCounted?: (entries: number) => void;
}

/** So many files wait for a look at their first bytes, then they are looked at: memory stays bounded. */
const headersAtOnce = 1000;

/** getfattr prints nothing for hours where no entry has an attribute; the `find` beside it shows that the machine answers. */
const quietWalkSeconds = 6 * 3600;

/**
 * Looks at a source path: what it is, and what is in it. Reads names and inodes of everything once, extended attribute
 * names once, both at the same time, and the first bytes of files that may be databases; writes nothing.
 */
export async function readSource(
  question: SourceQuestion,
): Promise<{ source: SourceFindings; notSeen: NotSeen[] }> {
  const { host, path } = question;
  const notSeen: NotSeen[] = [];
  const about = await probe(host, {
    stat: ['stat', '--printf=%d %i %u %g %a %F', '--', path],
    mount: ['findmnt', '--noheadings', '--raw', '--output', 'FSTYPE', '--target', path],
    readable: ['test', '-r', path, '-a', '-x', path],
    real: ['readlink', '-f', '--', path],
    shareFolder: ['test', '-e', `${path}/.drayage`, '-o', '-L', `${path}/.drayage`],
  });
  const state = stateOf(about.stat, about.readable);
  if (state !== undefined) return { source: state, notSeen };

  const [device, inode, uid, gid, mode] = about.stat.stdout.split(' ') as [
    string,
    string,
    string,
    string,
    string,
  ];
  const submounts = question.mounts
    .map((mount) => mount.target)
    .filter((target) => target.startsWith(`${path}/`));
  const known = question.storeRoots.flatMap((root) =>
    root.startsWith(`${path}/`) ? [root.slice(path.length + 1)] : [],
  );
  const pruned = [...question.exclude, ...known];
  const [{ census, tally }, attributes] = await together((signal) => [
    takeCensus(question, device, pruned, notSeen, signal),
    countAttributes(question, '', pruned, notSeen, signal),
  ]);
  // A store that no manager spoke of is left behind like the others; its attributes have been counted by then.
  const found = census.stores.map(show);
  if (attributes.acls + attributes.capabilities + attributes.xattrs > 0)
    for (const store of found) attributes.subtract(await countAttributes(question, store, pruned, notSeen));
  const directory: SourceDirectory = {
    device,
    inode,
    ...optional('realPath', about.real.exitCode === 0 ? about.real.stdout.replace(/\n$/, '') : undefined),
    uid: Number(uid),
    gid: Number(gid),
    mode: mode.padStart(4, '0'),
    fsType: about.mount.stdout.trim().split('\n').at(-1) ?? '',
    isMount: question.mounts.some((mount) => mount.target === path),
    empty: tally.entries === 0,
    entries: tally.entries,
    inodes: tally.inodes,
    bytes: tally.bytes,
    allocatedBytes: tally.allocatedBytes,
    hardLinkGroups: census.hardLinkGroups,
    sparseFiles: tally.sparseFiles,
    acls: attributes.acls,
    xattrs: attributes.xattrs,
    capabilities: attributes.capabilities,
    special: {
      fifos: tally.fifos,
      sockets: tally.sockets,
      devices: tally.devices,
      first: noted(tally.special).first,
    },
    notUtf8: noted(tally.notUtf8),
    unreadable: noted(tally.unreadable),
    submounts: [
      ...new Set([...submounts, ...noted(tally.foreign).first.map((below) => `${path}/${below}`)]),
    ].sort(),
    owners: census.owners(tally),
    databases: census.marks.found(show),
    imageStores: [...known, ...found].sort(),
    hasShareFolder: about.shareFolder.exitCode === 0,
  };
  return { source: { state: 'directory', ...directory }, notSeen };
}

function stateOf(stat: Answer, readable: Answer): SourceFindings | undefined {
  if (stat.exitCode !== 0) {
    const missing = /No such file or directory|Not a directory/.test(stat.stderr);
    return { state: missing ? 'missing' : 'unreadable', seen: stat.stderr };
  }
  const type = stat.stdout.split(' ').slice(5).join(' ');
  if (type !== 'directory') return { state: 'not-a-directory', seen: `a ${type}` };
  return readable.exitCode === 0
    ? undefined
    : { state: 'unreadable', seen: 'this user may not read the directory' };
}

/** Two walks at the same time: when one fails, the other is ended. */
async function together<A, B>(begin: (signal: AbortSignal) => [Promise<A>, Promise<B>]): Promise<[A, B]> {
  const abort = new AbortController();
  try {
    return await Promise.all(begin(abort.signal));
  } finally {
    abort.abort();
  }
}

/**
 * Counts what lies below a path, in one walk. `bench:census` feeds it from a `Host` of its own.
 * @param device of the path, as stat prints it.
 * @param pruned relative paths that are not counted.
 */
export async function takeCensus(
  { host, path, onCounted }: Pick<SourceQuestion, 'host' | 'path' | 'onCounted'>,
  device: string,
  pruned: readonly string[],
  notSeen: NotSeen[],
  signal?: AbortSignal,
): Promise<{ census: Census; tally: Tally }> {
  const census = new Census(device);
  const seenIn = `${path} on ${host.name}`;
  let result: RunResult;
  try {
    const absolute = pruned.map((relative) => `${path}/${relative}`);
    result = await look(host, censusArgv(path, absolute), {
      ...optional('signal', signal),
      async onStdout(chunk) {
        census.add(chunk);
        onCounted?.(census.seen);
        if (census.marks.waiting >= headersAtOnce) await readHeaders(host, path, census.marks);
      },
    });
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    throw unexpected(seenIn, error.message);
  }
  if (!census.complete) throw unexpected(seenIn, 'find ended in the middle of an entry');
  await readHeaders(host, path, census.marks);
  const tally = census.end();
  if (result.exitCode === 0) return { census, tally };
  const complaint = result.stderr.toString('utf8').trim();
  const others = complaint.split('\n').filter((line) => !/Permission denied$/.test(line));
  if (tally.unreadable.count === 0 || others.length > 0) {
    if (tally.entries === 0)
      throw unexpected(seenIn, complaint || `find ended with exit code ${result.exitCode}`);
    notSeen.push({
      subject: `source ${seenIn}`,
      what: 'some entries',
      seen: others[0] ?? complaint.split('\n')[0] ?? '',
      next: `find ${path} -xdev > /dev/null   # on ${host.name}`,
    });
  }
  return { census, tally };
}

/** @param below where to count, relative to the path; empty: everywhere. */
async function countAttributes(
  question: SourceQuestion,
  below: string,
  pruned: readonly string[],
  notSeen: NotSeen[],
  signal?: AbortSignal,
): Promise<AttributeCount> {
  const { host } = question;
  const path = below === '' ? question.path : `${question.path}/${below}`;
  const inside = `${below}/`;
  const count = new AttributeCount(
    below === ''
      ? pruned
      : pruned.filter((left) => left.startsWith(inside)).map((left) => left.slice(inside.length)),
  );
  const unseen = (seen: string, next: string) =>
    notSeen.push({
      subject: `source ${path} on ${host.name}`,
      what: 'ACLs and extended attributes',
      seen,
      next,
    });
  if (question.missingTools.includes('getfattr')) {
    unseen('getfattr is not installed', `apt-get install attr   # on ${host.name}`);
    return count;
  }
  const result = await look(host, attributesArgv(path), {
    ...optional('signal', signal),
    timeoutSeconds: quietWalkSeconds,
    onStdout: (chunk) => count.add(chunk),
  });
  count.end();
  const complaint = result.stderr.toString('utf8').split('\n').filter(Boolean);
  // Unreadable entries are named by the census already, and files of a live source may go away.
  const others = complaint.filter((line) => !/(Permission denied|No such file or directory)$/.test(line));
  if (others.length > 0)
    unseen(others[0] as string, `getfattr -R -P -h -m - ${path} > /dev/null   # on ${host.name}`);
  return count;
}

function unexpected(seenIn: string, seen: string): Error {
  return guestError('guest/unexpected-output', {
    seen: `${seenIn}: ${seen}`,
    next: ['find --version   # GNU findutils 4.2 or later is needed; BusyBox has no -printf'],
  });
}

function noted({ count, first }: Names): Noted {
  return { count, first: first.map(show).sort() };
}

function show(path: string): string {
  return showName(Buffer.from(path, 'latin1'));
}
