import { Readable } from 'node:stream';
import type { Host, RunResult } from '../../ssh/host.ts';
import { printableName } from '../../verify/name.ts';
import { nulList, nulRecords } from '../../verify/records.ts';
import { copyError } from '../errors.ts';
import { some } from '../run-rsync.ts';
import { type Depth, linkedCommand, listCommand } from './commands.ts';

/** Which type an entry is of. */
export interface Kind {
  /** find's letter. */
  readonly type: string;
}

/** One entry as find sees it. */
export interface Seen extends Kind {
  /** `device:inode`. */
  readonly inode: string;
  /** How many names the inode has. */
  readonly links: number;
  /** Of a file: bytes, and whether it has fewer blocks than these need. */
  readonly file?: { readonly size: number; readonly sparse: boolean };
}

/** One side of the pass: a directory on a machine. */
export interface Side {
  readonly host: Host;
  readonly path: string;
  readonly exclude: readonly string[];
  /** What is missing when it is looked at is ordinary: the source is in use, or it is the target. */
  readonly mayVanish: boolean;
  readonly signal?: AbortSignal;
}

/** The paths of find, without their `./`; the top is ''. */
function nameOf(path: string): string {
  return path === '.' ? '' : path.slice(2);
}

const seenRecord = /^([a-zA-Z]) (\d+:\d+) (\d+) (\d+) (\d+) (\.|\.\/.*)$/s;
const kindRecord = /^([a-zA-Z]) (\.|\.\/.*)$/s;

/** A record of `seenFormat`: its name (latin1) and what is there; undefined: not understood. */
export function parseSeen(record: string): { name: string; seen: Seen } | undefined {
  const found = seenRecord.exec(record);
  if (found === null) return undefined;
  const [, type, inode, links, blocks, size, path] = found as unknown as string[];
  const file = { size: Number(size), sparse: Number(blocks) * 512 < Number(size) };
  return {
    name: nameOf(path as string),
    seen: {
      type: type as string,
      inode: inode as string,
      links: Number(links),
      ...(type === 'f' ? { file } : {}),
    },
  };
}

/** A record of `kindFormat`. */
export function parseKind(record: string): { name: string; seen: Kind } | undefined {
  const found = kindRecord.exec(record);
  return found === null
    ? undefined
    : { name: nameOf(found[2] as string), seen: { type: found[1] as string } };
}

export function notUnderstood(side: Side, record: string): Error {
  return copyError('copy/unreadable-output', {
    seen: `find on ${side.host.name} printed: ${printableName(record.slice(0, 300))}`,
    next: [`ssh ${side.host.name} find --version`],
  });
}

/** find exits with 1, and xargs with 123, when something could not be looked at; each such thing has a line in stderr. */
export function checkFind(side: Side, result: RunResult): void {
  if (result.exitCode === 0) return;
  const lines = result.stderr
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  const gone = (line: string) =>
    /: (No such file or directory|Not a directory|Too many levels of symbolic links)$/.test(line);
  const partly = result.exitCode === 1 || result.exitCode === 123;
  if (side.mayVanish && partly && lines.length > 0 && lines.every(gone)) return;
  throw unreadable(side, result.exitCode, lines);
}

export function unreadable(side: Side, exitCode: number, lines: readonly string[]): Error {
  return copyError('copy/unreadable-directory', {
    seen: `find in ${side.path} on ${side.host.name} ended with ${exitCode}: ${some(lines)}`,
    next: [`ssh ${side.host.name} ls -la ${side.path}`],
  });
}

export function running(side: Side): { signal?: AbortSignal } {
  return side.signal === undefined ? {} : { signal: side.signal };
}

async function find<T>(
  side: Side,
  argv: readonly string[],
  names: readonly string[] | undefined,
  parse: (record: string) => { readonly name: string; readonly seen: T } | undefined,
  onSeen: (name: string, seen: T) => void,
): Promise<void> {
  const parser = nulRecords((record) => {
    const found = parse(record);
    if (found === undefined) throw notUnderstood(side, record);
    onSeen(found.name, found.seen);
  });
  const result = await side.host.run(argv, {
    onStdout: parser.push,
    ...(names === undefined ? {} : { stdin: Readable.from(placeList(names)) }),
    ...running(side),
  });
  parser.push(result.stdout);
  checkFind(side, result);
  if (parser.rest() !== '') throw notUnderstood(side, parser.rest());
}

/** `.` or `./name`, so that none is taken for an option; NUL-separated. */
export function* placeList(names: readonly string[]): Generator<Buffer> {
  yield* nulList(names.map((name) => (name === '' ? '.' : `./${name}`)));
}

/** What is at or below `names`. @param most entries are kept; more are only walked over. */
export async function list(
  side: Side,
  names: readonly string[],
  depth: Depth,
  most = Number.POSITIVE_INFINITY,
): Promise<Map<string, Seen>> {
  const found = new Map<string, Seen>();
  if (names.length === 0) return found;
  await find(side, listCommand(side.path, side.exclude, depth), names, parseSeen, (name, seen) => {
    if (found.size <= most) found.set(name, seen);
  });
  return found;
}

/** Every name in the tree of these inodes. */
export async function namesOf(
  side: Side,
  inodes: Pick<ReadonlySet<string>, 'has' | 'size'>,
): Promise<Map<string, Seen>> {
  const found = new Map<string, Seen>();
  if (inodes.size === 0) return found;
  await find(side, linkedCommand(side.path, side.exclude), undefined, parseSeen, (name, seen) => {
    if (inodes.has(seen.inode)) found.set(name, seen);
  });
  return found;
}
