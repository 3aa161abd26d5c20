import { guestError } from '../guest/errors.ts';
import { type Answer, probe } from '../guest/probe.ts';
import { isReadOnly } from '../guest/read-only.ts';
import type { Host, RunOptions, RunResult } from '../ssh/host.ts';
import { optional } from '../workloads/podman.ts';
import { AttributeCount, attributesArgv } from './attributes.ts';
import { Census, censusArgv, UnreadableRecord } from './census.ts';
import type { MountFindings, NotSeen, SourceDirectory, SourceFindings } from './findings.ts';
import { showName } from './names.ts';

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
}

/** Seconds without an answer before a walk over the source is given up. */
const walkTimeoutSeconds = 600;

/** How many unreadable entries are listed by name. */
const listedUnreadable = 1000;

/**
 * Looks at a source path: what it is, and what is in it. Reads names and inodes of everything once, extended attribute
 * names once, and the first bytes of files that may be SQLite databases; writes nothing.
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
  const excluded = question.exclude.map((relative) => `${path}/${relative}`);
  const known = question.storeRoots.filter((root) => root.startsWith(`${path}/`));
  let stores = known;
  let census = await takeCensus(question, [...excluded, ...stores], notSeen);
  if (census.stores.length > 0) {
    // A store that no manager spoke of: left behind too, so it is not counted either.
    stores = [
      ...known,
      ...census.stores.map((folder) => (folder === '.' ? path : `${path}/${show(folder)}`)),
    ];
    census = await takeCensus(question, [...excluded, ...stores], notSeen);
  }
  const pruned = [...excluded, ...stores, ...submounts];
  const attributes = await countAttributes(question, pruned, notSeen);
  const sqlite = await findSqlite(question, census.marks.candidates());
  const directory: SourceDirectory = {
    device,
    inode,
    ...optional('realPath', about.real.exitCode === 0 ? about.real.stdout.replace(/\n$/, '') : undefined),
    uid: Number(uid),
    gid: Number(gid),
    mode: mode.padStart(4, '0'),
    fsType: about.mount.stdout.trim().split('\n').at(-1) ?? '',
    isMount: question.mounts.some((mount) => mount.target === path),
    empty: census.entries === 0,
    entries: census.entries,
    bytes: census.bytes,
    allocatedBytes: census.allocatedBytes,
    hardLinkGroups: census.hardLinkGroups,
    acls: attributes.acls,
    xattrs: attributes.xattrs,
    sparseFiles: census.sparseFiles,
    unreadable: census.unreadable.slice(0, listedUnreadable).map(show).sort(),
    submounts: [...new Set(submounts)].sort(),
    owners: census.owners,
    databases: census.marks.found(sqlite, show),
    imageStores: stores.map((store) => store.slice(path.length + 1)).sort(),
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

async function takeCensus(
  question: SourceQuestion,
  pruned: readonly string[],
  notSeen: NotSeen[],
): Promise<Census> {
  const census = new Census();
  const { host, path } = question;
  const look = `${path} on ${host.name}`;
  let result: RunResult;
  try {
    result = await walk(host, censusArgv(path, pruned), { onStdout: (chunk) => census.add(chunk) });
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    throw unexpected(look, error.message);
  }
  if (!census.complete) throw unexpected(look, 'find ended in the middle of an entry');
  if (result.exitCode === 0) return census;
  const complaint = result.stderr.toString('utf8').trim();
  const others = complaint.split('\n').filter((line) => !/Permission denied$/.test(line));
  if (census.unreadable.length === 0 || others.length > 0) {
    if (census.entries === 0)
      throw unexpected(look, complaint || `find ended with exit code ${result.exitCode}`);
    notSeen.push({
      subject: `source ${path} on ${host.name}`,
      what: 'some entries',
      seen: others[0] ?? complaint.split('\n')[0] ?? '',
      next: `find ${path} -xdev > /dev/null   # on ${host.name}`,
    });
  }
  return census;
}

async function countAttributes(
  question: SourceQuestion,
  pruned: readonly string[],
  notSeen: NotSeen[],
): Promise<AttributeCount> {
  const { host, path } = question;
  const count = new AttributeCount(pruned);
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
  const result = await walk(host, attributesArgv(path), { onStdout: (chunk) => count.add(chunk) });
  count.end();
  const complaint = result.stderr.toString('utf8').split('\n').filter(Boolean);
  // Unreadable entries are named by the census already, and files of a live source may go away.
  const others = complaint.filter((line) => !/(Permission denied|No such file or directory)$/.test(line));
  if (others.length > 0)
    unseen(others[0] as string, `getfattr -R -P -h -m - ${path} > /dev/null   # on ${host.name}`);
  return count;
}

const sqliteHeader = 'SQLite format 3\0';

/** Which of the files (byte strings, relative) begin with SQLite's header. One call for all of them. */
async function findSqlite(question: SourceQuestion, files: readonly string[]): Promise<Set<string>> {
  if (files.length === 0) return new Set();
  const prefix = Buffer.from(`${question.path}/`).toString('latin1');
  const stdin = Buffer.from(files.map((file) => `${prefix}${file}\0`).join(''), 'latin1');
  const argv = ['xargs', '-0', '-r', 'head', '-v', '-c', String(sqliteHeader.length), '--'];
  const result = await walk(question.host, argv, { stdin });
  const printed = result.stdout.toString('latin1');
  // `head -v` writes `==> NAME <==`, a line break, and the bytes: the names are known, so they cannot deceive.
  return new Set(files.filter((file) => printed.includes(`==> ${prefix}${file} <==\n${sqliteHeader}`)));
}

async function walk(host: Host, argv: readonly string[], options: RunOptions): Promise<RunResult> {
  if (!isReadOnly(argv)) {
    throw guestError('guest/not-read-only', {
      seen: argv.join(' '),
      next: ['report this as a bug of drayage: inspection must only look'],
    });
  }
  return host.run(argv, { timeoutSeconds: walkTimeoutSeconds, ...options });
}

function unexpected(look: string, seen: string): Error {
  return guestError('guest/unexpected-output', {
    seen: `${look}: ${seen}`,
    next: ['find --version   # GNU findutils 4.2 or later is needed; BusyBox has no -printf'],
  });
}

function show(path: string): string {
  return showName(Buffer.from(path, 'latin1'));
}
