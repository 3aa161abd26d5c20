import type { Host } from '../ssh/host.ts';
import { copyError } from './errors.ts';
import { rsyncMeaning } from './exit-codes.ts';
import { type Item, outputParser, parseStderr } from './output.ts';
import { deletes, dryRunOf, lockedExitCode } from './rsync-command.ts';

/** One pass, as the plan's `copy` operation says it. */
export interface Pass {
  readonly move: string;
  readonly pass: 'seed' | 'final';
  readonly argv: readonly string[];
  readonly source: { readonly path: string };
  readonly maxDelete: number;
}

export interface PassProgress {
  readonly files: { readonly done: number; readonly total?: number };
  readonly bytes: { readonly done: number };
  readonly bytesPerSecond?: number;
}

export interface PassResult {
  /** Entries that rsync made, changed or deleted, by what it did. */
  readonly changed: number;
  readonly deleted: number;
  readonly bytes: number;
  /** Files that went away or changed under rsync's hands during a seed: a later pass carries them. */
  readonly unsettled: number;
}

export interface PassWorld {
  /** The machine that pulls. */
  readonly puller: Host;
  readonly source: Host;
  readonly progress?: (progress: PassProgress) => void;
  readonly signal?: AbortSignal;
}

/** At most this many names stand in an error; the rest is counted. */
const namesShown = 20;

function some(lines: readonly string[]): string {
  const more = lines.length - namesShown;
  return lines.slice(0, namesShown).join('\n') + (more > 0 ? `\n... and ${more} more` : '');
}

/** The source is a directory with something in it, or the pass does not begin. */
async function checkSource(pass: Pass, source: Host): Promise<void> {
  const script = 'test -d "$1" && test -n "$(find "$1" -mindepth 1 -maxdepth 1 -print -quit)"';
  const result = await source.run(['sh', '-c', script, 'sh', pass.source.path]);
  if (result.exitCode === 0) return;
  throw copyError('copy/source-not-as-expected', {
    seen: `${pass.source.path} on ${source.name} is missing, not a directory, or empty. ${result.stderr}`.trim(),
    next: [
      `ssh ${source.name} ls -la ${pass.source.path}`,
      `ssh ${source.name} findmnt -T ${pass.source.path}`,
    ],
  });
}

interface Ran {
  readonly exitCode: number;
  readonly stderr: string;
  readonly unknown: readonly string[];
}

async function rsync(
  world: PassWorld,
  argv: readonly string[],
  onItem: (item: Item) => void,
  onProgress?: PassWorld['progress'],
): Promise<Ran> {
  const unknown: string[] = [];
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
    unknown(line) {
      unknown.push(line);
    },
  });
  const result = await world.puller.run(argv, {
    onStdout: (chunk) => parser.push(chunk),
    ...(world.signal === undefined ? {} : { signal: world.signal }),
  });
  // A host without streaming keeps the whole output; both ways end in the same parser.
  parser.push(result.stdout);
  parser.end();
  return { exitCode: result.exitCode, stderr: result.stderr.toString('utf8'), unknown };
}

function ends(pass: Pass, world: PassWorld, ran: Ran, dryRun: boolean): { unsettled: number } {
  const found = parseStderr(ran.stderr);
  const again = `drayage apply --until ${pass.pass === 'seed' ? 'seed' : 'cutover'}`;
  if (ran.unknown.length > 0) {
    throw copyError('copy/unreadable-output', {
      seen: some(ran.unknown),
      next: [`ssh ${world.puller.name} rsync --version`],
    });
  }
  // While the source is in use, files that vanish or change are ordinary; the pass in the window sees them at rest.
  const unsettled = found.vanished.length + found.changing.length;
  const live = pass.pass === 'seed' || dryRun;
  if (ran.exitCode === 0) return { unsettled };
  if (live && found.errors.length === 0 && (ran.exitCode === 24 || (ran.exitCode === 23 && unsettled > 0)))
    return { unsettled };
  if (ran.exitCode === lockedExitCode) {
    throw copyError('copy/locked', {
      seen: `another pass of move ${pass.move} runs on ${world.puller.name}`,
      next: [
        `ssh ${world.puller.name} pgrep --list-full rsync   # wait until it has ended, or end it`,
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

/** What a pass with `--delete` would remove, by name. @throws copy/too-many-deletions above the move's limit. */
async function countDeletions(pass: Pass, world: PassWorld): Promise<void> {
  const doomed: string[] = [];
  let count = 0;
  const ran = await rsync(world, dryRunOf(pass.argv), (item) => {
    if (item.change !== '*deleting') return;
    count += 1;
    if (doomed.length < namesShown) doomed.push(Buffer.from(item.name, 'latin1').toString('utf8'));
  });
  ends(pass, world, ran, true);
  if (count <= pass.maxDelete) return;
  throw copyError('copy/too-many-deletions', {
    seen: `The pass of move ${pass.move} would delete ${count} entries; maxDelete is ${pass.maxDelete}. Among them:\n${some(doomed)}`,
    next: [
      `ssh ${world.source.name} ls -la ${pass.source.path}`,
      `if these are to go: set maxDelete of move ${pass.move} to ${count} in drayage.yaml, then: drayage plan`,
    ],
  });
}

/**
 * Performs one rsync pass: looks at the source, counts what a `--delete` would remove, then runs exactly `pass.argv`.
 * A pass that stands still is not a failure; ssh itself notices a dead connection.
 * @throws copy/* when the pass did not carry everything; in a seed, files that vanish or change meanwhile are counted instead.
 */
export async function performPass(pass: Pass, world: PassWorld): Promise<PassResult> {
  await checkSource(pass, world.source);
  if (deletes(pass.argv)) await countDeletions(pass, world);
  let changed = 0;
  let deleted = 0;
  let bytes = 0;
  const ran = await rsync(
    world,
    pass.argv,
    (item) => {
      if (item.change === '*deleting') deleted += 1;
      else changed += 1;
    },
    (progress) => {
      bytes = progress.bytes.done;
      world.progress?.(progress);
    },
  );
  const { unsettled } = ends(pass, world, ran, false);
  return { changed, deleted, bytes, unsettled };
}
