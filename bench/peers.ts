import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { quoteArgv } from '../src/ssh/quote.ts';
import { type BenchWorld, mustRun } from './world.ts';

const remote = (world: BenchWorld) => `${world.destination}:${world.tree.root}/`;

/** The written plan's copy, as it stands there: into an empty target, with everything stopped. */
export async function writtenPlan(world: BenchWorld, target: string): Promise<void> {
  await mustRun(world.node, ['rsync', '-aHAX', '--delete', remote(world), `${target}/`]);
}

/** rsync as one would do it by hand: the first copy, and each further pass. */
export async function plainRsync(world: BenchWorld, target: string): Promise<void> {
  const options = ['-aHAXS', '--numeric-ids', '--delete'];
  await mustRun(world.node, ['rsync', ...options, remote(world), `${target}/`]);
}

/** rsync's own proof: both sides read everything. @throws where it finds a difference */
export async function rsyncChecksum(world: BenchWorld, target: string): Promise<void> {
  const options = ['-aHAXSnci', '--numeric-ids', '--delete', '--filter=-x trusted.SGI_ACL_*'];
  const items = await mustRun(world.node, ['rsync', ...options, remote(world), `${target}/`]);
  if (items !== '') throw new Error(`rsync -nc finds differences: ${items.slice(0, 300)}`);
}

/** One tar on each side and ssh between. */
export async function tarPipe(world: BenchWorld, target: string): Promise<void> {
  const keep = ['--acls', '--xattrs', '--xattrs-include=*', '--numeric-owner'];
  const send = quoteArgv(['tar', ...keep, '--sparse', '-C', world.tree.root, '-cf', '-', '.']);
  const receive = quoteArgv(['tar', ...keep, '-C', target, '-xpf', '-']);
  const line = `ssh -o BatchMode=yes ${quoteArgv([world.destination, send])} | ${receive}`;
  await mustRun(world.node, ['bash', '-o', 'pipefail', '-c', line]);
}

/**
 * fpsync crawls a local tree, so it runs on the source's machine and pushes, `jobs` rsyncs at a time, with its defaults
 * for the size of a part. `-a`, `-r` and `--delete` it refuses; `-lptgoD` is the rest of `-a`. Each part is an rsync of its own:
 * hard links between parts become files of their own.
 */
export async function fpsync(
  world: BenchWorld,
  target: string,
  jobs: number,
  from = world.tree.root,
): Promise<void> {
  const scratch = join(world.folder, 'fpsync');
  const options = ['-n', String(jobs), '-t', scratch, '-o', '-lptgoDHAXS --numeric-ids'];
  try {
    await mustRun(world.node, [
      ...['env', 'RSYNC_RSH=ssh -o BatchMode=yes', 'fpsync', ...options],
      ...[`${from}/`, `${world.destination}:${target}/`],
    ]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Reads every byte of a tree once and does nothing with it. */
export function readAllCommand(path: string, readers: number): string[] {
  const script = 'cd "$1" && find . -type f -print0 | xargs -0 -P "$2" cat >/dev/null';
  return ['bash', '-o', 'pipefail', '-c', script, 'bash', path, String(readers)];
}
