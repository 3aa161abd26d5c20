/**
 * How long is the data down: drayage's window against the written plan's copy and against a second rsync pass.
 * docs/performance.md says how to read the numbers.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareCaches, reachable } from './caches.ts';
import { type Checked, check } from './check.ts';
import { type DrayageMove, startMove, type WindowParts } from './drayage.ts';
import { describeMachine } from './machine.ts';
import { type BenchOptions, readOptions } from './options.ts';
import { plainRsync, writtenPlan } from './peers.ts';
import { makeResult, print } from './result.ts';
import { inRoom } from './room.ts';
import { endsInTime, median, seconds, turns } from './timing.ts';
import { changeTree } from './tree/change.ts';
import { type BenchWorld, makeWorld, say } from './world.ts';

const targets = [
  { ratio: 'window/plan', limit: 1 / 30, better: 'below' },
  { ratio: 'window/twoPass', limit: 1 / 4, better: 'below' },
] as const;

/** The list also has what was touched up to some seconds before the last round: in a migration nothing, here the changes of the turn before. */
const untilOldMs = 7000;

interface Times {
  readonly plan: number[];
  readonly twoPass: number[];
  readonly window: WindowParts[];
}

/** The two engines that are measured again and again, each on changes of its own. */
async function alternate(
  world: BenchWorld,
  move: DrayageMove,
  twoPass: string,
  options: BenchOptions,
  times: Times,
) {
  let lastRun = 0;
  let seed = 0;
  const change = () => {
    seed += 1;
    // Cold: only what is on the disk can be dropped. Warm: what was just written is still to be written, as in a window.
    const prepare = () => prepareCaches(options.cache, [world.source, world.target]);
    if (options.cache === 'warm') prepare();
    const changed = changeTree(world.tree, options.changes, seed);
    if (options.cache === 'cold') prepare();
    return changed;
  };
  const measures = {
    async twoPass() {
      await plainRsync(world, twoPass);
      const changed = change();
      const took = await seconds(() => plainRsync(world, twoPass));
      times.twoPass.push(took);
      say(`  second rsync pass, ${changed} changes: ${took.toFixed(2)} s`);
    },
    async window() {
      await sleep(untilOldMs);
      await move.round();
      const changed = change();
      const parts = await move.window();
      times.window.push(parts);
      say(`  drayage's window, ${changed} changes, ${parts.listed} listed: ${parts.total.toFixed(2)} s`);
    },
  };
  for (let run = 0; run < options.runs; run += 1) {
    if (run > 0 && !endsInTime(options.minutes, lastRun)) break;
    say(`Run ${run + 1}`);
    lastRun = await seconds(async () => {
      for (const engine of turns(['twoPass', 'window'] as const, run)) await measures[engine]();
    });
  }
}

async function measure(
  world: BenchWorld,
  options: BenchOptions,
  load: number,
): Promise<Record<string, Checked>> {
  const times: Times = { plan: [], twoPass: [], window: [] };
  const checks: Record<string, Checked> = {};

  const twoPass = world.makeTarget('two-pass');
  prepareCaches(options.cache, [world.source, world.target]);
  times.plan.push(await seconds(() => writtenPlan(world, twoPass)));
  say(`The written plan's copy: ${times.plan[0]?.toFixed(2)} s`);
  checks.plan = await check(world, twoPass);

  const moved = world.makeTarget('moved');
  const move = startMove(world, moved);
  const seeded = await seconds(() => move.seed());
  await sleep(untilOldMs);
  const settled = await seconds(() => move.settle());
  say(`drayage's seed: ${seeded.toFixed(1)} s, its manifests and their comparison: ${settled.toFixed(1)} s`);
  await alternate(world, move, twoPass, options, times);

  // Both brought into step by their own last pass: what an earlier one had left wrong, the change list would not mend.
  await plainRsync(world, twoPass);
  await move.window();
  [checks.twoPass, checks.window] = await Promise.all([check(world, twoPass), check(world, moved)]);

  const of = (part: keyof WindowParts) => times.window.map((parts) => parts[part]);
  const window = median(of('total'));
  print(
    makeResult({
      bench: 'window',
      ratios: {
        'window/plan': window / median(times.plan),
        'window/twoPass': window / median(times.twoPass),
      },
      targets,
      measured: {
        plan: {
          what: '(a) the written plan: `rsync -aHAX --delete` into an empty target',
          seconds: times.plan,
        },
        twoPass: { what: '(b) `rsync -aHAXS --numeric-ids --delete`, second pass', seconds: times.twoPass },
        window: {
          what: "drayage's window: clock and change list, proof of the list",
          seconds: of('total'),
        },
        windowScan: {
          what: '... of it: scan of the source (all that grows with the tree)',
          seconds: of('scan'),
        },
        windowPass: { what: '... of it: listings, both sides; the rsyncs of the list', seconds: of('pass') },
        windowCompare: {
          what: '... of it: contents and metadata of the list, both sides',
          seconds: of('compare'),
        },
      },
      cache: reachable(options.cache),
      tree: { ...world.tree.counts },
      fileSystems: `ext4 to ${options.target} over ssh to this machine`,
      machine: describeMachine(load),
      checks,
      notes: [
        `${options.changes} changed entries before each window; ${median(of('listed'))} listed.`,
        `Before the window, while everything runs: seed ${seeded.toFixed(1)} s, manifests and their comparison ${settled.toFixed(1)} s.`,
      ],
    }),
    options.json,
  );
  return checks;
}

const options = readOptions('window', { runs: 4, minutes: 5, cache: 'warm' });

await inRoom(async (folder) => {
  const load = loadavg()[0] as number;
  const world = await makeWorld(folder, options, 2);
  const checks = await measure(world, options, load);
  for (const [engine, { equal, first }] of Object.entries(checks))
    if (!equal) throw new Error(`${engine} is not equal in the end: ${first.join(' | ')}`);
});
