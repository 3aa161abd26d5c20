import { type DigestAlgorithm, digestParser } from './digest.ts';
import { splitRecord } from './join.ts';
import { attributeParser, type Entry, parseFields } from './manifest.ts';
import { listedCommand, longestName } from './manifest-command.ts';
import { laterList, nulRecords } from './records.ts';
import { together } from './together.ts';
import { complaints, isVanished, notUnderstood, type Tree, unreadable } from './tree.ts';

export interface ReadListed {
  /** By name as it was given; a name that is not in the tree is not here. A file that vanished meanwhile has no digest. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly attributesKnown: boolean;
}

/** Names per process; up to so many processes at once. Below it, a second one costs more than it brings. */
const namesPerProcess = 2000;
const mostProcesses = 4;

/** A command that reads entries, there before it is known which. */
export interface Reader {
  /** Once. `onEntries` is told how many more were read. @throws verify/unreadable, verify/unreadable-output */
  read(names: readonly string[], onEntries?: (count: number) => void): Promise<ReadListed>;
  /** Gives it up: one that was not asked ends by itself. */
  close(): void;
}

/** Metadata, contents and attributes of exactly these names (`''` is the top), each only once, in one command per process. */
export async function readListed(
  tree: Tree,
  names: readonly string[],
  algorithm: DigestAlgorithm,
  options: {
    readonly signal?: AbortSignal;
    readonly onEntries?: (count: number) => void;
    /** Takes the first of them. */
    readonly reader?: Reader | undefined;
  } = {},
): Promise<ReadListed> {
  // Such a name cannot be opened, nor copied by rsync: it is as if it were not there.
  const wanted = [...new Set(names)].filter((name) => name.length <= longestName);
  const processes = Math.min(mostProcesses, Math.ceil(wanted.length / namesPerProcess));
  const share = Math.ceil(wanted.length / Math.max(1, processes));
  const parts = Array.from({ length: processes }, (_, index) =>
    wanted.slice(index * share, (index + 1) * share),
  );
  if (processes === 0 && options.reader !== undefined) parts.push([]);
  const read = await together(options.signal, (signal) =>
    Promise.all(
      parts.map((part, index) => {
        const reader = (index === 0 ? options.reader : undefined) ?? openReader(tree, algorithm, signal);
        signal.addEventListener('abort', reader.close, { once: true });
        return reader.read(part, options.onEntries);
      }),
    ),
  );
  return {
    entries: new Map(read.flatMap(({ entries }) => [...entries])),
    attributesKnown: read.every(({ attributesKnown }) => attributesKnown),
  };
}

const nameOf = (path: string) => (path === '.' ? '' : path.replace(/^\.\//, ''));

/** Starts it. One that is told no names ends well. */
export function openReader(tree: Tree, algorithm: DigestAlgorithm, signal: AbortSignal): Reader {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let asked = false;
  let over = false;
  const entries = new Map<string, Entry>();
  let attributesKnown = true;
  let onEntries: ((count: number) => void) | undefined;
  let found = 0;
  let part = 0;
  let group = new Map<string, { -readonly [key in keyof Entry]: Entry[key] }>();
  const digests = (text: string) => {
    const parser = digestParser<{ name: string }>(algorithm, {
      digest: ({ name }, digest) => {
        const entry = group.get(name);
        if (entry !== undefined) entry.digest = digest;
      },
      skipped: () => {},
    });
    const files = [...group].filter(([, { type }]) => type === 'f');
    parser.expect(files.map(([name]) => ({ name })));
    parser.push(text);
    const unknown = parser.end()[0];
    if (unknown !== undefined) throw notUnderstood(tree, 'the digest tool', unknown);
  };
  const attributes = (text: string) => {
    if (text === 'none') {
      attributesKnown = false;
      return;
    }
    const parser = attributeParser((name, values) => {
      const entry = group.get(nameOf(name));
      if (entry !== undefined) entry.attributes = values;
    });
    parser.push(text);
    const rest = parser.end() || parser.unknown[0];
    if (rest !== undefined && rest !== '') throw notUnderstood(tree, 'getfattr', rest);
  };
  const parser = nulRecords((record) => {
    if (part === 2) {
      digests(record);
      part = 3;
    } else if (part === 3) {
      attributes(record);
      for (const [name, entry] of group) entries.set(name, entry);
      onEntries?.(group.size);
      group = new Map();
      part = 0;
    } else if (record === '') {
      part += 1;
    } else if (part === 0) {
      const { path, kind, value } = splitRecord(record);
      const entry = parseFields(value);
      if (kind !== '0' || entry === undefined) throw notUnderstood(tree, 'find', record);
      group.set(nameOf(path), { ...entry });
      found += 1;
    } else {
      const [inode, device] = record.split(' ') as [string, string];
      for (const entry of group.values()) if (entry.inode === inode) entry.device = device;
    }
  });
  const list = laterList();
  const running = tree.host.run(listedCommand(tree.path, algorithm), {
    stdin: list.stream,
    onStdout: parser.push,
    signal: either,
  });
  const end = () => {
    over = true;
  };
  running.then(end, end);
  return {
    async read(names, tell) {
      asked = true;
      // Its connection was lost while it waited: another one may be had.
      if (over && !either.aborted) return openReader(tree, algorithm, either).read(names, tell);
      onEntries = tell;
      list.give(names.map((name) => (name === '' ? '.' : `./${name}`)));
      const result = await running;
      const said = complaints(result.stderr, 'find');
      const missing = said.filter(isVanished).length;
      // Each name is either answered or complained of: silence is not taken for absence.
      const whole = part === 0 && parser.rest() === '' && found + missing === names.length;
      const unread = complaints(result.stderr, 'getfattr').some((line) => !isVanished(line));
      if (result.exitCode !== 0 || missing !== said.length || unread)
        throw unreadable(tree, 'The listed entries', result);
      if (!whole) throw notUnderstood(tree, 'find', `${found} of ${names.length} names, ${missing} missing`);
      return { entries, attributesKnown };
    },
    close() {
      if (asked) stop.abort();
      else list.give([]);
    },
  };
}
