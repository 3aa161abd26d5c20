/** How fast is the first copy: drayage's seed against rsync, fpsync and a tar pipe. docs/performance.md says how to read the numbers. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { prepareCaches, reachable } from './caches.ts';
import { type Checked, check } from './check.ts';
import { drayageSeed } from './drayage.ts';
import { describeMachine } from './machine.ts';
import { type BenchOptions, readOptions } from './options.ts';
import { fpsync, plainRsync, tarPipe } from './peers.ts';
import { makeResult, print } from './result.ts';
import { inRoom } from './room.ts';
import { endsInTime, median, seconds, turns } from './timing.ts';
import { type BenchWorld, makeWorld, mustRun, say } from './world.ts';

const targets = [{ ratio: 'copy/best', limit: 1, better: 'above' }] as const;

interface Engine {
  readonly key: string;
  readonly what: string;
  run(target: string): Promise<unknown>;
}

function hasFpsync(): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v fpsync'], { stdio: 'ignore' });
    return true;
  } catch {
    say('fpsync is missing, and is left out. On Debian: apt-get install fpart');
    return false;
  }
}

/** fpsync's number of jobs that is fastest on this machine, tried on some of the services. */
async function bestJobs(world: BenchWorld): Promise<number> {
  let best = { jobs: 1, took: Number.POSITIVE_INFINITY };
  const cores = cpus().length;
  for (const jobs of new Set([1, cores, 2 * cores])) {
    const target = emptyTarget(world);
    prepareCaches('cold', [world.source, world.target]);
    const took = await seconds(() => fpsync(world, target, jobs, join(world.tree.root, 'apps/group0')));
    say(`  fpsync -n ${jobs} of ten services: ${took.toFixed(2)} s`);
    if (took < best.took) best = { jobs, took };
  }
  return best.jobs;
}

/** A new file system each time, so that no engine profits from what another has left. */
function emptyTarget(world: BenchWorld): string {
  world.target.renew();
  return world.makeTarget('copy');
}

async function engines(world: BenchWorld): Promise<Engine[]> {
  const all: Engine[] = [
    {
      key: 'drayage',
      what: 'drayage, the seed',
      run: async (target) => {
        const { by, processes, gaveUp, probe } = await drayageSeed(world, target);
        say(`  by ${processes} of ${by}${gaveUp === undefined ? '' : `, after tar gave up: ${gaveUp}`}`);
        for (const { processes: tried, entriesPerSecond, bytesPerSecond } of probe)
          say(
            `  ${tried}: ${Math.round(entriesPerSecond)} entries, ${Math.round(bytesPerSecond / 1e6)} MB each second`,
          );
      },
    },
    { key: 'rsync', what: '`rsync -aHAXS --numeric-ids`', run: (target) => plainRsync(world, target) },
    {
      key: 'tar',
      what: '`tar \\| ssh \\| tar`, with ACLs and xattrs',
      run: (target) => tarPipe(world, target),
    },
  ];
  if (!hasFpsync()) return all;
  const jobs = await bestJobs(world);
  const run = (target: string) => fpsync(world, target, jobs);
  return [...all, { key: 'fpsync', what: `\`fpsync -n ${jobs}\``, run }];
}

async function measure(world: BenchWorld, options: BenchOptions, load: number): Promise<boolean> {
  const { source, target, tree } = world;
  const all = await engines(world);
  const times: Record<string, number[]> = Object.fromEntries(all.map(({ key }) => [key, []]));
  const checks: Record<string, Checked> = {};
  // Without the checks, which are made once.
  let lastRun = 0;
  for (let run = 0; run < options.runs; run += 1) {
    if (run > 0 && !endsInTime(options.minutes, lastRun)) break;
    say(`Run ${run + 1}`);
    lastRun = 0;
    for (const engine of turns(all, run)) {
      const into = emptyTarget(world);
      prepareCaches(options.cache, [source, target]);
      const took = await seconds(async () => {
        await engine.run(into);
        // A copy is done when it is on the disk: all pay for what they leave in memory.
        await mustRun(world.node, ['sync', '-f', into]);
      });
      times[engine.key]?.push(took);
      lastRun += took;
      say(`  ${engine.key}: ${took.toFixed(2)} s`);
      checks[engine.key] ??= await check(world, into);
    }
  }
  const measured = Object.fromEntries(
    all.map(({ key, what }) => [key, { what, seconds: times[key] as number[] }]),
  );
  const own = median(measured.drayage?.seconds ?? []);
  const against = Object.entries(measured).filter(([key]) => key !== 'drayage');
  const each = against.map(([key, { seconds: took }]) => [`copy/${key}`, median(took) / own] as const);
  const lost = Object.entries(checks).filter(([key, { equal }]) => key !== 'drayage' && !equal);
  print(
    makeResult({
      bench: 'copy',
      ratios: { 'copy/best': Math.min(...each.map(([, ratio]) => ratio)), ...Object.fromEntries(each) },
      targets,
      measured,
      cache: reachable(options.cache),
      tree: { ...tree.counts },
      fileSystems: `ext4 to ${options.target} over ssh to this machine`,
      machine: describeMachine(load),
      checks,
      notes: lost.map(
        ([key, { differences, first }]) =>
          `${key} is not the same tree in the end: ${differences} entries differ, the first \`${first[0]}\`.`,
      ),
    }),
    options.json,
  );
  if (checks.drayage?.equal) return true;
  say(`drayage's copy is not equal: ${checks.drayage?.first.join(' | ')}`);
  return false;
}

const options = readOptions('copy', { runs: 2, minutes: 7.5, cache: 'cold' });

await inRoom(async (folder) => {
  const load = loadavg()[0] as number;
  const world = await makeWorld(folder, options, 1);
  if (!(await measure(world, options, load))) throw new Error('not equal');
});
