/**
 * Random trees, random changes, passes over what changed, and then two full comparisons that must find nothing.
 * `npm run fuzz:copy -- --help`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Host } from '../src/ssh/host.ts';
import { controllerHost } from '../src/ssh/local.ts';
import {
  type Copied,
  changeRound,
  compareWhole,
  firstPass,
  pipeNode,
  whatIsNotEqual,
} from '../test/support/change-rounds.ts';
import { type FileSystem, type LoopMount, loopMount } from '../test/support/loop-mount.ts';
import { changeTree } from '../test/support/random-changes.ts';
import { makeTree, randomNumbers } from '../test/support/random-tree.ts';
import { fuzzInGuest } from './fuzz-in-guest.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    fs: { type: 'string', multiple: true },
    seed: { type: 'string' },
    /** Of `--fs zfs`: this is the guest. */
    inside: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const usage = `npm run fuzz:copy -- [--runs 100] [--fs ext4|xfs|btrfs|zfs ...] [--seed N]

--fs zfs boots a guest that has OpenZFS (npm run test:zfs), and runs in it; it must be named. Needs root, rsync, attr, acl and the mkfs of each file system. --runs counts per file system (of the source; the target
has another). --seed begins at that seed: with --runs 1 it repeats one run. Exit code 1 when a run did not come out equal.`;

const targets: Readonly<Record<FileSystem, FileSystem>> = {
  ext4: 'btrfs',
  btrfs: 'xfs',
  xfs: 'ext4',
  zfs: 'ext4',
};
const kinds = Object.keys(targets) as FileSystem[];

/** Ends after the run at hand, so that nothing stays mounted. */
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

/** A guest whose tree changes under the pass: after the given number of commands, once. */
function busyGuest(guest: Host, after: number, change: () => void): Host {
  let commands = 0;
  return {
    name: guest.name,
    async run(argv, options) {
      const result = await guest.run(argv, options);
      commands += 1;
      if (commands === after) change();
      return result;
    },
  };
}

/** One run: seed and settle, one to three rounds in use, one at rest. @throws Error with what differs */
async function run(seed: number, copied: Copied): Promise<void> {
  const random = randomNumbers(seed);
  makeTree(copied.source, seed);
  const done: string[][] = [];
  try {
    let baseline = await firstPass(copied, {
      meanwhile: () => done.push(changeTree(copied.source, seed * 100 + 1, random(20))),
    });
    const rounds = 1 + random(3);
    for (let round = 1; round <= rounds; round += 1) {
      const change = (salt: number) => {
        done.push(changeTree(copied.source, seed * 100 + round * 10 + salt, 5 + random(25)));
      };
      change(0);
      const guest = random(2) === 0 ? copied.guest : busyGuest(copied.guest, 1 + random(3), () => change(1));
      baseline = (await changeRound({ ...copied, guest }, baseline, { frozen: false })).next;
    }
    done.push(changeTree(copied.source, seed * 100, random(30)));
    await changeRound(copied, baseline, { frozen: true });
    const { first } = await compareWhole(copied);
    const found = whatIsNotEqual(copied);
    if (first.length > 0 || found !== '')
      throw new Error(`not equal:\n${first.map((one) => JSON.stringify(one)).join('\n')}\n${found}`);
  } catch (error) {
    throw new Error(`${done.map((names) => names.join(', ')).join('\n--\n')}\n${error}`, { cause: error });
  }
}

async function fuzz(kind: FileSystem, first: number, runs: number): Promise<number> {
  const ends: (() => void)[] = [];
  let failures = 0;
  try {
    const mounted = (which: FileSystem): LoopMount => {
      const mount = loopMount(which);
      ends.push(() => mount.unmount());
      return mount;
    };
    const left = mounted(kind);
    // The guest has no loop devices, and ext4 as its root.
    const right = kind === 'zfs' ? ownFolder() : mounted(targets[kind]);
    if (kind === 'zfs') ends.push(() => right.unmount());
    const node = pipeNode();
    ends.push(() => node.remove());
    const begun = performance.now();
    let done = 0;
    for (let seed = first; seed < first + runs && !stop.signal.aborted; seed += 1, done += 1) {
      const copied: Copied = {
        source: join(left.path, 'tree'),
        target: join(right.path, 'place'),
        node: node.host,
        guest: controllerHost('doc1'),
        folder: node.folder,
        destination: 'doc1',
      };
      try {
        await run(seed, copied);
      } catch (error) {
        failures += 1;
        process.stderr.write(`${kind}, seed ${seed}:\n${error instanceof Error ? error.message : error}\n\n`);
      }
      rmSync(copied.source, { recursive: true, force: true });
      rmSync(copied.target, { recursive: true, force: true });
    }
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    process.stdout.write(
      `${kind} to ${targets[kind]}: ${done} runs, seeds ${first} to ${first + done - 1}, ${failures} failed, ${seconds} s\n`,
    );
  } finally {
    for (const end of ends.toReversed()) end();
  }
  return failures;
}

function ownFolder(): LoopMount {
  const path = mkdtempSync('/var/tmp/drayage-');
  return { path, unmount: () => rmSync(path, { recursive: true, force: true }) };
}

/** Trees are made and changed by calls that wait: only another process makes use of another core. */
async function inItsOwnProcess(argv: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [import.meta.filename, ...argv], { stdio: 'inherit' });
  stop.signal.addEventListener('abort', () => child.kill());
  const [exitCode] = await once(child, 'exit');
  return exitCode === 0;
}

async function main(): Promise<void> {
  const runs = Number(values.runs);
  const first = values.seed === undefined ? Math.floor(Math.random() * 1e6) : Number(values.seed);
  const wanted = values.fs ?? kinds.filter((kind) => kind !== 'zfs');
  const wrong = wanted.find((kind) => !kinds.includes(kind as FileSystem));
  if (values.help || wrong !== undefined || !Number.isInteger(runs) || !Number.isInteger(first)) {
    process.stderr.write(`${usage}\n`);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const argv = (kind: string) => ['--fs', kind, '--seed', String(first), '--runs', String(runs)];
  if (wanted.length === 1 && wanted[0] === 'zfs' && !values.inside) {
    process.exitCode = await fuzzInGuest([...argv('zfs'), '--inside'], stop.signal);
    return;
  }
  const failed =
    wanted.length === 1
      ? (await fuzz(wanted[0] as FileSystem, first, runs)) > 0
      : (await Promise.all(wanted.map((kind) => inItsOwnProcess(argv(kind))))).includes(false);
  if (stop.signal.aborted) process.exitCode = 130;
  else if (failed) process.exitCode = 1;
}

await main();
