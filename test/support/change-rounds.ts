import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Baseline,
  type ChangePassResult,
  performChangePass,
} from '../../src/copy/change-list/change-pass.ts';
import { writeDirectories } from '../../src/copy/change-list/directories.ts';
import { marginSeconds } from '../../src/copy/change-list/gather.ts';
import { performPass } from '../../src/copy/copy.ts';
import { rsyncList, rsyncPull } from '../../src/copy/rsync-command.ts';
import type { Host } from '../../src/ssh/host.ts';
import { controllerHost } from '../../src/ssh/local.ts';
import { compareListed } from '../../src/verify/compare-listed.ts';
import { compareTrees, type TreesCompared } from '../../src/verify/compare-trees.ts';
import { readManifestFile } from '../../src/verify/manifest-file.ts';

/** A node whose `ssh` runs the command here: rsync speaks its protocol through a pipe, without a connection to open. */
export interface PipeNode {
  readonly host: Host;
  /** For records and locks. */
  readonly folder: string;
  remove(): void;
}

export function pipeNode(): PipeNode {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-pipe-'));
  const script = '#!/bin/sh\nwhile [ "$1" = -o ]; do shift 2; done\nshift\nexec sh -c "$*"\n';
  writeFileSync(join(folder, 'ssh'), script);
  chmodSync(join(folder, 'ssh'), 0o755);
  const here = controllerHost('prom');
  const path = `PATH=${folder}:${process.env.PATH}`;
  return {
    host: { name: 'prom', run: (argv, options) => here.run(['env', path, ...argv], options) },
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface Copied {
  readonly source: string;
  readonly target: string;
  readonly node: Host;
  readonly guest: Host;
  readonly folder: string;
  readonly destination: string;
}

/** What a pass leaves alone. */
interface Kept {
  readonly exclude?: readonly string[];
  readonly topIsShare?: boolean;
}

const options = ({ source, target, destination, folder }: Copied, kept: Kept) => ({
  sourceDestination: destination,
  sourcePath: source,
  targetPath: target,
  exclude: kept.exclude ?? [],
  maxDelete: 100_000,
  sudo: false,
  protectMarker: kept.topIsShare ?? false,
  lock: join(folder, 'lock'),
});

/**
 * The source's clock, then a sync of it. The margin is taken back and waited for instead: a tree that is a second old
 * would be listed whole. The kernel's stamps lag by a tick of up to 10 ms.
 */
export async function mark(source: string): Promise<Baseline['since']> {
  await sleep(12);
  const since = { seconds: Date.now() / 1000 + marginSeconds };
  await sleep(12);
  execFileSync('sync', ['-f', source]);
  return since;
}

const sidesOf = ({ guest, source, node, target }: Copied, kept: Kept) => ({
  source: { host: guest, path: source, exclude: kept.exclude ?? [] },
  target: { host: node, path: target, exclude: kept.exclude ?? [] },
});

/** Reads both sides whole. */
export async function compareWhole(copied: Copied, kept: Kept = {}): Promise<TreesCompared> {
  return await compareTrees(sidesOf(copied, kept), {
    topIsShare: kept.topIsShare ?? false,
    folder: copied.folder,
    names: { source: 'source.gz', target: 'target.gz' },
    scratch: copied.folder,
  });
}

/**
 * The first pass, and what the rounds after it begin with, as an apply does it: what `meanwhile` changes after the pass
 * and before the mark is found by comparing both sides.
 */
export async function firstPass(
  copied: Copied,
  kept: Kept & { readonly meanwhile?: () => void } = {},
): Promise<Baseline> {
  const { source, node, guest, folder } = copied;
  mkdirSync(copied.target, { recursive: true });
  const argv = rsyncPull({ ...options(copied, kept), delete: false });
  await performPass(
    { move: 'docker', pass: 'seed', argv, source: { path: source }, maxDelete: 0 },
    { puller: node, source: guest },
  );
  kept.meanwhile?.();
  const since = await mark(source);
  const settled = await compareWhole(copied, kept);
  const directories = join(folder, 'first.gz');
  await writeDirectories(directories, readManifestFile(settled.source.file));
  return {
    since,
    directories,
    pending: settled.first.map(({ name }) => name),
    entries: settled.counts.entries,
  };
}

type Done = Extract<ChangePassResult, { kind: 'done' }>;

/** One pass over what changed since `baseline`, and a look at exactly that. Returns what it did, and what the next one begins with. */
export async function changeRound(
  copied: Copied,
  baseline: Baseline,
  more: {
    readonly frozen: boolean;
    readonly maxDelete?: number;
    readonly maxShare?: number;
    readonly keepDoubt?: (names: readonly string[]) => Promise<void>;
    readonly begin?: Promise<void>;
  } & Kept,
): Promise<{ result: Done; next: Baseline }> {
  const { source, target, node, guest, folder } = copied;
  const since = await mark(source);
  const maxDelete = more.maxDelete ?? 100_000;
  const pass = {
    move: 'docker',
    argv: rsyncList({ ...options(copied, more), maxDelete }),
    source: { path: source },
    target: { path: target },
    exclude: more.exclude ?? [],
    maxDelete,
    maxShare: more.maxShare ?? 1000,
    frozen: more.frozen,
    topIsShare: more.topIsShare ?? false,
  };
  const directories = join(folder, `directories-${randomBytes(6).toString('hex')}.gz`);
  const result = await performChangePass(pass, baseline, {
    puller: node,
    source: guest,
    directories,
    ...(more.begin === undefined ? {} : { begin: more.begin }),
    keepDoubt: more.keepDoubt ?? (async () => {}),
  });
  if (result.kind !== 'done') throw new Error(`the list has ${result.listed} names`);
  const { differences } = await compareListed(sidesOf(copied, more), result.listed, {
    algorithm: 'sha256',
    topIsShare: pass.topIsShare,
    inodes: result.inodes,
  });
  const pending = differences.map(({ name }) => name);
  if (more.frozen && pending.length > 0) throw new Error(`not equal: ${JSON.stringify(differences)}`);
  const { entries } = result;
  return { result, next: { since, directories, pending, entries } };
}

/** Names that are one file, and times to the nanosecond of all but directories: what rsync does not compare. Sockets are not missed. */
function linksAndTimes(path: string): string[] {
  const groups = new Map<string, string[]>();
  const seen: string[] = [];
  const argv = ['.', '!', '-type', 'd', '!', '-type', 's', '-printf', '%D:%i %n %T@ %P\\0'];
  for (const record of execFileSync('find', argv, { cwd: path, encoding: 'latin1' })
    .split('\0')
    .slice(0, -1)) {
    const [inode, links, time] = record.split(' ', 3) as [string, string, string];
    const name = record.slice(inode.length + links.length + time.length + 3);
    seen.push(`${name} ${time}`);
    if (links !== '1') groups.set(inode, [...(groups.get(inode) ?? []), name]);
  }
  return [...seen, ...[...groups.values()].map((names) => names.sort().join(' = '))].sort();
}

/** What an rsync of its own would still do, and what it does not look at: nothing, when both are equal. */
export function whatIsNotEqual(copied: Copied): string {
  const here = linksAndTimes(copied.source);
  const there = linksAndTimes(copied.target);
  const lacking = (from: readonly string[], lines: readonly string[]) => {
    const known = new Set(lines);
    return from.filter((line) => !known.has(line));
  };
  const wrong = [...lacking(here, there), ...lacking(there, here)];
  return [...wrong, whatRsyncFinds(copied)].join('\n');
}

function whatRsyncFinds({ source, target }: Copied): string {
  const argv = [
    '-aHAXSnci',
    '--no-specials',
    '--delete',
    '--numeric-ids',
    '--modify-window=-1',
    '--filter=-x trusted.SGI_ACL_*',
    '--filter=-x btrfs.*',
  ];
  const found = execFileSync('rsync', [...argv, `${source}/`, `${target}/`], { encoding: 'latin1' });
  return found
    .split('\n')
    .filter((line) => !line.startsWith('skipping non-regular file '))
    .join('\n');
}
