import { dirname } from 'node:path/posix';
import type { Readable } from 'node:stream';
import type { Host } from '../ssh/host.ts';
import { quoteArgument } from '../ssh/quote.ts';
import { printableName } from '../verify/name.ts';
import { lockOf } from './bulk/part-command.ts';
import { copyError } from './errors.ts';
import { rsyncMeaning } from './exit-codes.ts';
import { type Item, outputParser, parseStderr } from './output.ts';
import { lockedExitCode, targetOf } from './rsync-command.ts';

export interface PassProgress {
  readonly files: { readonly done: number; readonly total?: number };
  readonly bytes: { readonly done: number; readonly total?: number };
  readonly bytesPerSecond?: number;
}

export interface PassWorld {
  /** The machine that pulls. */
  readonly puller: Host;
  readonly source: Host;
  readonly progress?: (progress: PassProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * rsync writes two lines for each file as it goes; read one by one, over a whole tree, they cost as much as a fifth of
 * the copy.
 */
export const gatherMs = 20;

/** At most this many names stand in an error; the rest is counted. */
export const namesShown = 20;

/** The first names, one per line, and how many more there are. */
export function some(lines: readonly string[]): string {
  const more = lines.length - namesShown;
  return lines.slice(0, namesShown).join('\n') + (more > 0 ? `\n... and ${more} more` : '');
}

/** How an rsync ended, before it is judged. */
export interface Ran {
  readonly exitCode: number;
  readonly stderr: string;
  readonly unknown: readonly string[];
  /** Directories of the target that were to go and are not empty; latin1. Absent: none. */
  readonly kept?: readonly string[];
}

/** Runs rsync on the puller; what it does arrives in `onItem` as it goes. @param names for `--files-from=-` */
export async function runRsync(
  world: PassWorld & { readonly gatherMs?: number },
  argv: readonly string[],
  onItem: (item: Item) => void,
  onProgress?: PassWorld['progress'],
  names?: Readable,
): Promise<Ran> {
  const unknown: string[] = [];
  const kept: string[] = [];
  let items = 0;
  let files: PassProgress['files'] = { done: 0 };
  const parser = outputParser({
    item(item) {
      if (!item.change.startsWith('*')) items += 1;
      onItem(item);
    },
    progress(seen) {
      const looked =
        seen.entries === undefined ? items : Math.max(items, seen.entries.known - seen.entries.left);
      files = {
        done: Math.max(files.done, looked),
        ...(seen.entries?.complete
          ? { total: seen.entries.known }
          : files.total === undefined
            ? {}
            : { total: files.total }),
      };
      onProgress?.({
        files,
        bytes: { done: seen.bytes },
        ...(seen.bytesPerSecond === undefined ? {} : { bytesPerSecond: seen.bytesPerSecond }),
      });
    },
    kept(name) {
      kept.push(name);
    },
    unknown(line) {
      unknown.push(line);
    },
  });
  const result = await world.puller.run(argv, {
    onStdout: (chunk) => parser.push(chunk),
    ...(names === undefined ? {} : { stdin: names }),
    ...(world.signal === undefined ? {} : { signal: world.signal }),
    ...(world.gatherMs === undefined ? {} : { gatherMs: world.gatherMs }),
  });
  // A host without streaming keeps the whole output; both ways end in the same parser.
  parser.push(result.stdout);
  parser.end();
  return { exitCode: result.exitCode, stderr: result.stderr.toString('utf8'), unknown, kept };
}

/** Whose rsync it was. `live`: the source is in use, so that files which vanish or change are ordinary. */
export interface Judged {
  readonly move: string;
  readonly live: boolean;
  /** The command that tries again. */
  readonly again: string;
  /** What was run, or another command of the same pass: its lock and its target. */
  readonly argv: readonly string[];
}

/** What an rsync's end means. @throws copy/* when it did not carry everything; in a live pass, what vanishes is counted. */
export function judge(pass: Judged, world: PassWorld, ran: Ran): { unsettled: number } {
  const { again, live } = pass;
  const found = parseStderr(ran.stderr);
  // Only a dry run says so of a target that cannot be made: see mustBeThere.
  if (ran.unknown.some((line) => line.startsWith('created directory '))) {
    const target = targetOf(pass.argv);
    throw copyError('copy/rsync-failed', {
      seen: `${world.puller.name}: ${target}: No such file or directory`,
      meaning:
        'rsync writes only into a directory that is there: below a share that is unmounted there is none.',
      next: [
        `ssh ${world.puller.name} findmnt --target ${quoteArgument(dirname(target))}   # is the share mounted?`,
        again,
      ],
    });
  }
  if (ran.unknown.length > 0) {
    throw copyError('copy/unreadable-output', {
      seen: some(ran.unknown),
      next: [`ssh ${world.puller.name} rsync --version`],
    });
  }
  const unsettled = found.vanished.length + found.changing.length;
  const ordinary =
    live && found.errors.length === 0 && (ran.exitCode === 24 || (ran.exitCode === 23 && unsettled > 0));
  if (ran.exitCode === 0 || ordinary) {
    if (ran.kept !== undefined && ran.kept.length > 0) throw notEmpty(pass, world, ran.kept);
    return { unsettled };
  }
  if (ran.exitCode === lockedExitCode) {
    throw copyError('copy/locked', {
      seen: `another pass of move ${pass.move} runs on ${world.puller.name}`,
      next: [
        // rsync, or a tar whose shell is gone: whoever has the file open holds the lock.
        `ssh ${world.puller.name} fuser --verbose ${lockOf(pass.argv)}   # who holds it (package psmisc): wait until it has ended, or end it`,
        again,
      ],
    });
  }
  const perFile = [...found.errors, ...found.vanished, ...found.changing];
  const meaning = rsyncMeaning(ran.exitCode);
  if (ran.exitCode === 25) {
    throw copyError('copy/too-many-deletions', {
      seen: some([...perFile, ...found.other]) || ran.stderr.trim(),
      meaning,
      next: ['drayage plan'],
    });
  }
  if (perFile.length > 0 && (ran.exitCode === 23 || ran.exitCode === 24)) {
    throw copyError('copy/not-every-file', {
      seen: `rsync could not carry ${perFile.length} ${perFile.length === 1 ? 'entry' : 'entries'} of move ${pass.move}:\n${some(perFile)}`,
      meaning,
      next: [`look at the entries named above on ${world.source.name}, then: ${again}`],
    });
  }
  throw copyError('copy/rsync-failed', {
    seen: `rsync on ${world.puller.name} ended with ${ran.exitCode}: ${some([...found.other, ...perFile]) || ran.stderr.trim()}`,
    meaning,
    next: [again],
  });
}

/** What is excluded is never deleted, nor is the directory that it lies in. */
function notEmpty(pass: Judged, world: PassWorld, kept: readonly string[]): Error {
  const names = kept.map(printableName);
  const target = targetOf(pass.argv);
  const many = kept.length === 1 ? 'directory' : 'directories';
  return copyError('copy/not-empty', {
    seen: `rsync could not delete ${kept.length} ${many} of move ${pass.move} in ${target}, gone from the other side:\n${some(names)}`,
    next: [
      `look what is left behind in ${target}${names[0]} (as ${world.puller.name} reaches it), and move it away, or name the directory itself in moves.${pass.move}.exclude`,
      pass.again,
    ],
  });
}
