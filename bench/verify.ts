/** How long does the full proof take: against reading every byte once, and against `rsync -nc`. docs/performance.md says how to read the numbers. */
import { loadavg } from 'node:os';
import { readers } from '../src/verify/read-contents.ts';
import { prepareCaches, reachable } from './caches.ts';
import { type Checked, check } from './check.ts';
import { drayageProof } from './drayage.ts';
import { describeMachine } from './machine.ts';
import { type BenchOptions, readOptions } from './options.ts';
import { plainRsync, readAllCommand, rsyncChecksum } from './peers.ts';
import { makeResult, print } from './result.ts';
import { inRoom } from './room.ts';
import { endsInTime, median, seconds, turns } from './timing.ts';
import { type BenchWorld, makeWorld, mustRun, say } from './world.ts';

const targets = [{ ratio: 'verify/read', limit: 1.25, better: 'below' }] as const;

async function measure(world: BenchWorld, options: BenchOptions, load: number): Promise<Checked> {
  const { source, target, tree, guest, node } = world;
  const copy = world.makeTarget('copy');
  say(`Copying: ${(await seconds(() => plainRsync(world, copy))).toFixed(1)} s`);
  const independent = await check(world, copy);

  let algorithm = '';
  const engines = {
    proof: async () => {
      algorithm = await drayageProof(world, copy);
    },
    read: () =>
      Promise.all([
        mustRun(guest, readAllCommand(tree.root, readers)),
        mustRun(node, readAllCommand(copy, readers)),
      ]),
    checksum: () => rsyncChecksum(world, copy),
  };
  const keys = ['proof', 'read', 'checksum'] as const;
  const times: Record<(typeof keys)[number], number[]> = { proof: [], read: [], checksum: [] };
  let lastRun = 0;
  for (let run = 0; run < options.runs; run += 1) {
    if (run > 0 && !endsInTime(options.minutes, lastRun)) break;
    say(`Run ${run + 1}`);
    lastRun = 0;
    for (const key of turns(keys, run)) {
      prepareCaches(options.cache, [source, target]);
      const took = await seconds(engines[key]);
      times[key].push(took);
      lastRun += took;
      say(`  ${key}: ${took.toFixed(2)} s`);
    }
  }
  const proof = median(times.proof);
  print(
    makeResult({
      bench: 'verify',
      ratios: {
        'verify/read': proof / median(times.read),
        'verify/rsyncChecksum': proof / median(times.checksum),
      },
      targets,
      measured: {
        proof: {
          what: `drayage's full proof (${algorithm}), both sides at the same time`,
          seconds: times.proof,
        },
        read: {
          what: `\`find \\| xargs -P${readers} cat\`, both sides at the same time`,
          seconds: times.read,
        },
        checksum: { what: '`rsync -aHAXSnc --delete`', seconds: times.checksum },
      },
      cache: reachable(options.cache),
      tree: { ...tree.counts },
      fileSystems: `ext4 to ${options.target} over ssh to this machine`,
      machine: describeMachine(load),
      checks: { copy: independent },
      notes: [],
    }),
    options.json,
  );
  return independent;
}

const options = readOptions('verify', { runs: 2, minutes: 5.5, cache: 'cold' });

await inRoom(async (folder) => {
  const load = loadavg()[0] as number;
  const world = await makeWorld(folder, options, 1);
  const { equal, first } = await measure(world, options, load);
  // The proof itself throws where it finds a difference.
  if (!equal) throw new Error(`rsync finds differences where the proof found none: ${first.join(' | ')}`);
});
