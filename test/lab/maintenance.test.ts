import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judgeSamples, type Sample } from '../../lab/demo/maintenance/samples.ts';
import { makeShare, must, shareOnProm } from '../../lab/demo/maintenance/share-in-use.ts';
import { type Lab, startLab } from '../../lab/index.ts';
import { secondStorage } from '../../lab/room/layout.ts';
import { inRoomNetwork, needRoom } from '../../lab/room/room.ts';

// doc2 has the share's device and stays off: what is carried is the data, the markers, the mapping and the virtual
// machine. With a running guest and its containers: npm run demo:maintenance.
let lab: Lab;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dl-'));
  lab = await startLab({ folder, guests: [], services: false, secondNode: true });
  await makeShare(lab, () => undefined);
}, 180_000);

afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const checkout = join(import.meta.dirname, '..', '..');

function inRoom(argv: readonly string[], output: 'pipe' | 'inherit' = 'pipe'): ChildProcess {
  const [command, ...rest] = inRoomNetwork(needRoom(lab.paths), argv) as [string, ...string[]];
  return spawn(command, rest, { cwd: checkout, detached: true, stdio: ['ignore', output, output] });
}

/** Runs drayage; kills it, as a crash would, as soon as its journal holds this many intents. */
async function drayage(args: readonly string[], killAt = Number.POSITIVE_INFINITY) {
  const runs = join(folder, '.drayage', 'runs');
  const before = existsSync(runs) ? readdirSync(runs).length : 0;
  const child = inRoom([process.execPath, 'src/cli/main.ts', '--file', lab.paths.drayageConfig, ...args]);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let running = true;
  void ended.then(() => (running = false));
  let killed = false;
  while (running && killAt !== Number.POSITIVE_INFINITY && !killed) {
    const [run] = existsSync(runs) ? readdirSync(runs).sort().slice(before) : [];
    const journal = run === undefined ? '' : join(runs, run, 'journal.jsonl');
    const intents = existsSync(journal)
      ? readFileSync(journal, 'utf8').split('"kind":"intent"').length - 1
      : 0;
    if (intents >= killAt) {
      killed = true;
      process.kill(-(child.pid as number), 'SIGKILL');
    }
    await sleep(5);
  }
  return { code: await ended, killed, said };
}

/** Begins again and again, each time cut off two operations later than the time before, until it comes to its end. */
async function cutOffAgainAndAgain(args: readonly string[], first: number): Promise<number> {
  for (let at = first; ; at += 2) {
    const { code, killed, said } = await drayage([...args, '--yes', '--window', '300'], at);
    if (!killed) {
      expect(said).not.toMatch(/^Error/m);
      expect(code, said.slice(-3000)).toBe(0);
      return at;
    }
  }
}

function sampler(): () => Promise<Sample[]> {
  const child = inRoom([process.execPath, 'lab/demo/maintenance/in-room.ts', 'sample', folder]);
  let text = '';
  child.stdout?.on('data', (chunk) => (text += String(chunk)));
  const ended = new Promise((resolve) => child.once('close', resolve));
  return async () => {
    child.kill('SIGTERM');
    await ended;
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Sample);
  };
}

const place = { prom: shareOnProm, maint: secondStorage };
/** Every entry with its metadata, then contents, ACLs and attributes; directories have no size of their own. */
const listingScript = [
  'cd "$1"',
  'all() { find . -path ./.drayage -prune -o -path ./.zfs -prune -o "$@"; }',
  'all -type d -printf "%p %m %U:%G %T@\\n" | sort',
  'all ! -type d -printf "%p %y %m %U:%G %s %T@ %n %l\\n" | sort',
  'all -type f -print0 | sort -z | xargs -0 sha256sum',
  'all -print0 | sort -z | xargs -0 getfacl -np',
  'all -print0 | sort -z | xargs -0 getfattr -dh',
].join('\n');

const listing = (node: 'prom' | 'maint') =>
  must(lab, node, ['sh', '-c', listingScript, 'sh', place[node]]).then(String);

async function closed(node: 'prom' | 'maint') {
  const touched = await lab.ssh(node, ['touch', `${place[node]}/forgotten`]);
  if (touched.exitCode === 0) await must(lab, node, ['rm', `${place[node]}/forgotten`]);
  const marker = await lab.ssh(node, ['test', '-e', `${place[node]}/.drayage/share.json`]);
  const vm = existsSync(join(lab.paths.pve, 'nodes', node, 'qemu-server', '114.conf'));
  return { writable: touched.exitCode === 0, marker: marker.exitCode === 0, vm };
}

test('a share goes to another node and comes back, whatever the moment at which drayage is killed', async () => {
  const stop = sampler();
  const before = await listing('prom');
  expect(await cutOffAgainAndAgain(['maintenance', 'enter', 'maint'], 1)).toBeGreaterThan(2);
  expect(await listing('maint')).toBe(before);
  expect(await closed('prom')).toEqual({ writable: false, marker: false, vm: false });

  // Nothing else is done to a share that is away.
  const planned = await drayage(['plan']);
  expect(planned.said).toContain('[plan/share-elsewhere]');
  expect(planned.said).toContain('-> drayage maintenance leave');

  await must(lab, 'maint', [
    'sh',
    '-c',
    'cd "$1/doc1" && mv files/1 moved && rm -r files/2 && echo new >files/3/1 && mkdir -m 0700 more && ln -s ../moved more/link',
    'sh',
    place.maint,
  ]);
  const written = await listing('maint');
  expect(await cutOffAgainAndAgain(['maintenance', 'leave'], 2)).toBeGreaterThan(2);
  expect(await closed('maint')).toEqual({ writable: false, marker: false, vm: false });
  expect(await listing('prom')).toBe(written);
  expect(await closed('prom')).toEqual({ writable: true, marker: true, vm: true });

  const samples = judgeSamples(await stop(), `node=prom,path=${place.prom}`);
  expect(samples.wrong).toEqual([]);
  expect(samples.samples).toBeGreaterThan(100);

  const forgotten = await drayage(['maintenance', 'leave', '--forget', '--yes']);
  expect(forgotten.code, forgotten.said.slice(-3000)).toBe(0);
  expect(String(await must(lab, 'maint', ['ls', '-A', place.maint]))).toBe('');
  const mapping = readFileSync(join(lab.paths.pve, 'mapping', 'directory.cfg'), 'utf8');
  expect(mapping.match(/map .*/g)).toEqual([`map node=prom,path=${place.prom}`]);
  // The first line is the top, where a file was made and removed again.
  expect((await listing('prom')).split('\n').slice(1)).toEqual(written.split('\n').slice(1));
}, 300_000);
