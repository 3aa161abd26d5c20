/**
 * How long the data is down: the written plan's copy against drayage's window, on this machine, side by side.
 * `npm run bench -- --help`; bench/README.md says how to read the numbers.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readClock } from '../src/apply/clock.ts';
import { type Pass, performPass } from '../src/copy/copy.ts';
import { rsyncPull } from '../src/copy/rsync-command.ts';
import type { Host } from '../src/ssh/host.ts';
import { controllerHost } from '../src/ssh/local.ts';
import { sshHost } from '../src/ssh/ssh.ts';
import { compareTrees, type Scope } from '../src/verify/compare-trees.ts';
import { startSshd } from '../test/support/sshd.ts';
import { makePlace, type Place } from './place.ts';
import { table } from './table.ts';
import { changeTree, fillTree } from './tree.ts';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '20000' },
    megabytes: { type: 'string', default: '300' },
    changed: { type: 'string', default: '0.5' },
    runs: { type: 'string', default: '3' },
    target: { type: 'string', default: 'btrfs' },
    help: { type: 'boolean', default: false },
  },
});
const usage = `npm run bench -- [--files 20000] [--megabytes 300] [--changed 0.5] [--runs 3] [--target btrfs|xfs]

Needs root, rsync, sshd, setfattr and the mkfs of both file systems. Writes below TMPDIR and leaves nothing.
--changed is the share of files, in percent, that change between the first copy and the window.`;

const number = (name: 'files' | 'megabytes' | 'changed' | 'runs'): number => {
  const value = Number(values[name]);
  if (!(value > 0)) throw new Error(`--${name} ${values[name]} is not a number above 0\n\n${usage}`);
  return value;
};

/** As in apply/compare.ts: what was touched this long before the marks is listed too. Waited for, so that it is not measured. */
const marginSeconds = 5;
const beyondMarginMs = (marginSeconds + 2) * 1000;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
const say = (text: string) => process.stderr.write(`${text}\n`);

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

interface Bench {
  readonly source: Place;
  readonly target: Place;
  /** The guest, over ssh, and the node that pulls. */
  readonly guest: Host;
  readonly node: Host;
  readonly destination: string;
}

async function measure({ source, target, guest, node, destination }: Bench): Promise<string> {
  const [files, runs, share] = [number('files'), number('runs'), number('changed') / 100];
  const from = join(source.path, 'docker');
  const [cold, to] = [join(target.path, 'cold'), join(target.path, 'doc1')];
  for (const folder of [from, to]) mkdirSync(folder);
  const rsync = async (options: readonly string[], into: string) => {
    const argv = ['rsync', ...options, `${destination}:${from}/`, `${into}/`];
    const { exitCode, stdout, stderr } = await node.run(argv, { signal: stop.signal });
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${stderr}`);
    return stdout.toString();
  };
  const pass = (kind: Pass['pass']) => {
    const argv = rsyncPull({
      sourceDestination: destination,
      sourcePath: from,
      targetPath: to,
      exclude: [],
      delete: kind === 'final',
      maxDelete: files,
      sudo: false,
      protectMarker: false,
      lock: join(target.path, 'lock'),
    });
    return performPass(
      { move: 'docker', pass: kind, argv, source: { path: from }, maxDelete: files },
      { puller: node, source: guest, signal: stop.signal },
    );
  };
  const verify = async (scope: Scope) => {
    const sides = {
      source: { host: guest, path: from, exclude: [] },
      target: { host: node, path: to, exclude: [] },
    };
    const found = await compareTrees(sides, scope, { topIsShare: false, signal: stop.signal });
    if (found.differences.length > 0)
      throw new Error(`not equal: ${JSON.stringify(found.differences.slice(0, 3))}`);
  };

  say(`Filling ${files} files, ${number('megabytes')} MB ...`);
  fillTree(from, { files, bytes: number('megabytes') * 1e6 });
  const seed = await seconds(() => pass('seed'));
  say(`First copy, while everything would run: ${seed.toFixed(1)} s`);

  const times: Record<'cold' | 'window' | 'full' | 'checksum', number[]> = {
    cold: [],
    window: [],
    full: [],
    checksum: [],
  };
  const timed = async (what: keyof typeof times, work: () => Promise<unknown>) => {
    source.remount();
    target.remount();
    const took = await seconds(work);
    times[what].push(took);
    say(`  ${what}: ${took.toFixed(1)} s`);
  };
  for (let run = 1; run <= runs; run += 1) {
    say(`Run ${run} of ${runs}`);
    rmSync(cold, { recursive: true, force: true });
    mkdirSync(cold);
    await timed('cold', () => rsync(['-aHAX', '--delete'], cold));
    rmSync(cold, { recursive: true });
    await sleep(beyondMarginMs, undefined, { signal: stop.signal });
    const scope: Scope = {
      kind: 'changed',
      sourceSince: (await readClock(guest)).seconds - marginSeconds,
      targetSince: (await readClock(node)).seconds - marginSeconds,
    };
    changeTree(from, files, share, run);
    await timed('window', async () => {
      await pass('final');
      await verify(scope);
    });
    await timed('full', () => verify({ kind: 'full' }));
    await timed('checksum', async () => {
      const different = await rsync(['-aHAX', '-nc', '--delete', '--itemize-changes'], to);
      if (different !== '') throw new Error(`rsync -nc finds differences: ${different.slice(0, 300)}`);
    });
  }
  return table([
    {
      plain: { what: '`rsync -aHAX --delete` into an empty target', seconds: times.cold },
      drayage: { what: 'window: last pass, and what changed proven by content', seconds: times.window },
    },
    {
      plain: { what: '`rsync -nc`', seconds: times.checksum },
      drayage: { what: 'full proof, after the window', seconds: times.full },
    },
  ]);
}

async function main(): Promise<void> {
  if (values.help) {
    say(usage);
    return;
  }
  if (values.target !== 'btrfs' && values.target !== 'xfs')
    throw new Error(`--target ${values.target}\n\n${usage}`);
  const imageBytes = 1e9 + number('megabytes') * 3e6 + number('files') * 10_000;
  const folder = mkdtempSync(join(tmpdir(), 'drayage-bench-'));
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true })];
  try {
    const source = makePlace('ext4', folder, imageBytes);
    ends.push(source.remove);
    const target = makePlace(values.target, folder, imageBytes);
    ends.push(target.remove);
    const sshd = await startSshd();
    ends.push(sshd.stop);
    const { destination, configFile } = sshd;
    writeFileSync(join(folder, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${configFile}' "$@"\n`);
    chmodSync(join(folder, 'ssh'), 0o755);
    const guest = sshHost({ name: 'doc1', destination, configFile, controlFolder: folder });
    ends.push(() => guest.close());
    const here = controllerHost('prom');
    const path = `PATH=${folder}:${process.env.PATH}`;
    const node: Host = { name: 'prom', run: (argv, options) => here.run(['env', path, ...argv], options) };
    const result = await measure({ source, target, guest, node, destination });
    say('');
    process.stdout.write(
      `${values.files} files, ${values.megabytes} MB, ${values.changed} % changed; ext4 to ${values.target} over ssh to this machine; ${cpus().length} cores\n\n${result}\n`,
    );
  } finally {
    for (const end of ends.toReversed()) {
      try {
        await end();
      } catch (error) {
        // The rest is taken away all the same.
        say(String(error));
        process.exitCode = 1;
      }
    }
  }
}

await main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
