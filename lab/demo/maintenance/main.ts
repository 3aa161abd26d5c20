/**
 * A share and its guest go to another node and come back, while two containers count: `npm run demo:maintenance`.
 * Exit code 0 only when no number is lost or doubled, the mapping was whole at every moment, and both ways ended well.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listRuns, stateFolder } from '../../../src/apply/run-folder.ts';
import { exitCode } from '../../../src/errors/exit-code.ts';
import type { Report } from '../../../src/verify/report.ts';
import { type Lab, labPaths, startLab } from '../../index.ts';
import { defaultLabFolder, secondStorage } from '../../room/layout.ts';
import { removeState } from '../../room/prepare.ts';
import { progressLine } from '../../room/progress.ts';
import { inRoomNetwork, needRoom } from '../../room/room.ts';
import { checkWriterLog, type WriterLog } from '../../services/writer-log.ts';
import { here, runDrayage } from '../drayage.ts';
import { openScreen } from '../screen.ts';
import { judgeSamples, type Sample } from './samples.ts';
import { must, putShareInUse, shareOnProm, writers } from './share-in-use.ts';

/** Downtime, in seconds, that is accepted without being asked; emulated guests boot slowly. */
const acceptedWindow = '600';

const screen = openScreen(process.stdout, process.env);
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(name, () => stop.abort(new Error('interrupted')));
const keep = process.argv.includes('--keep');
const paths = labPaths(defaultLabFolder());
const wrong: string[] = [];
const ways: Record<
  string,
  { windowSeconds?: number; expectedWindowSeconds?: number; differences?: number; entries?: number }
> = {};

async function demo(lab: Lab): Promise<void> {
  await putShareInUse(lab, (what) => screen.wait(what));
  screen.act(
    'Where we start',
    'doc2 runs on prom, on the share of prom. Two containers append a numbered line every 100 ms.',
  );
  screen.print(`  ${(await lines(lab, 'doc2')).join(', ')}`);

  const samplesFile = join(paths.root, 'maintenance-samples.jsonl');
  const sampler = startSampler(samplesFile);
  try {
    screen.act(
      'drayage maintenance enter maint',
      'The share is copied to a directory on maint while doc2 runs; then doc2 goes there.',
    );
    if (!(await go(lab, 'enter', ['maintenance', 'enter', 'maint']))) return;
    await look(lab, 'maint');

    screen.act('drayage maintenance leave', 'And back, with what was written on maint meanwhile.');
    if (!(await go(lab, 'leave', ['maintenance', 'leave']))) return;
    await look(lab, 'prom');
  } finally {
    const ended = new Promise((resolve) => sampler.once('exit', resolve));
    sampler.kill('SIGTERM');
    await ended;
  }
  screen.wait('stopping the containers, and reading what they wrote');
  await must(lab, 'doc2', [
    'sh',
    '-c',
    'systemctl stop ticker.service && podman update --restart no writer >/dev/null && podman stop writer',
  ]);
  const logs: Record<string, WriterLog> = {};
  for (const name of writers) {
    const log = checkWriterLog(await must(lab, 'prom', ['cat', `${shareOnProm}/doc1/${name}/log.txt`]));
    logs[name] = log;
    if (log.lost + log.doubled + log.bad > 0) wrong.push(`${name}: ${JSON.stringify(log)}`);
  }
  const text = readFileSync(samplesFile, 'utf8').split('\n').filter(Boolean);
  const sampled = judgeSamples(
    text.map((line) => JSON.parse(line) as Sample),
    `node=prom,path=${shareOnProm}`,
  );
  wrong.push(...sampled.wrong);
  if (sampled.samples < 100) wrong.push(`the mapping was looked at only ${sampled.samples} times`);
  const report = { ways, logs, sampled, wrong };
  writeFileSync(join(paths.root, 'maintenance.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  screen.act('The result', 'Measured by the demo, and written to maintenance.json.');
  for (const [way, { windowSeconds, expectedWindowSeconds }] of Object.entries(ways))
    screen.print(
      `  ${way.padEnd(6)} downtime ${windowSeconds?.toFixed(1)} s, projected ${expectedWindowSeconds?.toFixed(0)} s`,
    );
  for (const [name, log] of Object.entries(logs))
    screen.print(
      `  ${name.padEnd(6)} ${log.lines} lines: ${log.lost} lost, ${log.doubled} twice, ${log.bad} bad`,
    );
  screen.print(
    `  mapping looked at ${sampled.samples} times, at least every ${sampled.longestGapMs} ms: ${sampled.wrong.length === 0 ? 'whole each time' : 'NOT whole'}`,
  );
}

/** @returns whether drayage came to its end; what it reported is kept */
async function go(lab: Lab, way: string, command: string[]): Promise<boolean> {
  const args = [...command, '--yes', '--window', acceptedWindow];
  screen.print(`${screen.palette.dim('$')} ${screen.palette.bold(`drayage ${args.join(' ')}`)}\n`);
  const ran = await runDrayage(lab.paths, args, 'screen', stop.signal);
  const config = lab.paths.drayageConfig;
  const run = (await listRuns(config)).at(-1);
  const file = join(stateFolder(config), 'runs', run ?? '', 'report.json');
  const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined;
  ways[way] = {
    ...(report?.windowSeconds === undefined ? {} : { windowSeconds: report.windowSeconds }),
    ...(report?.expectedWindowSeconds === undefined
      ? {}
      : { expectedWindowSeconds: report.expectedWindowSeconds }),
    ...(report === undefined
      ? {}
      : {
          differences: report.differences,
          entries: report.moves.reduce((sum, { entries }) => sum + entries, 0),
        }),
  };
  if (ran.exitCode !== 0) wrong.push(`drayage ${args.join(' ')} ended with exit code ${ran.exitCode}`);
  if (report?.windowSeconds === undefined) wrong.push(`drayage reported no downtime for ${way}`);
  if (report !== undefined && report.differences > 0) wrong.push(`${way}: ${report.differences} differences`);
  return ran.exitCode === 0;
}

/** Where the data and the guest are now, and that the other place is closed. */
async function look(lab: Lab, node: 'prom' | 'maint'): Promise<void> {
  const other = node === 'prom' ? 'maint' : 'prom';
  const place = { prom: shareOnProm, maint: secondStorage };
  const refused = await lab.ssh(other, ['touch', `${place[other]}/forgotten`]);
  if (refused.exitCode === 0)
    wrong.push(`${other}:${place[other]} could be written to while ${node} had the data`);
  const marker = await lab.ssh(other, ['test', '-e', `${place[other]}/.drayage/share.json`]);
  if (marker.exitCode === 0) wrong.push(`${other}:${place[other]} had the marker while ${node} had the data`);
  const config = join(paths.pve, 'nodes', node, 'qemu-server', '114.conf');
  if (!existsSync(config)) wrong.push(`VM 114 is not on ${node}`);
  screen.print(`  doc2 runs on ${node}: ${(await lines(lab, 'doc2')).join(', ')}; ${other} is sealed`);
}

async function lines(lab: Lab, guest: string): Promise<string[]> {
  const running = (await must(lab, guest, ['podman', 'ps', '--format', '{{.Names}}'])).toString().split('\n');
  return Promise.all(
    writers.map(async (name) => {
      if (!running.includes(name)) wrong.push(`${name} does not run on ${guest}`);
      const last = await must(lab, guest, ['tail', '-n', '1', `/mnt/docker/${name}/log.txt`]);
      return `${name} has written ${last.toString().split(' ')[0]} lines`;
    }),
  );
}

function startSampler(file: string): ChildProcess {
  rmSync(file, { force: true });
  const script = join(import.meta.dirname, 'in-room.ts');
  const argv = inRoomNetwork(needRoom(paths), [
    'sh',
    '-c',
    'exec "$@" >"$0"',
    file,
    process.execPath,
    script,
    'sample',
    paths.root,
  ]);
  const child = spawn(argv[0] as string, argv.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] });
  child.once('exit', (code) => {
    if (code !== 0) wrong.push(`the look at the mapping ended with ${code}`);
  });
  return child;
}

screen.act(
  'A lab of two nodes',
  'prom with a share, maint with a directory on a disk of its own, and the guest doc2.',
);
const lab = await startLab({
  tied: !keep,
  guests: [],
  services: false,
  secondNode: true,
  signal: stop.signal,
  say: (event) => {
    const line = progressLine(event);
    if (event.kind === 'end' && line !== undefined) screen.print(`  ${line}`);
    if (event.kind === 'begin') screen.wait(event.text);
  },
});
try {
  await demo(lab);
  for (const text of wrong) screen.print(screen.palette.bad(`  ${text}`));
  process.exitCode = wrong.length === 0 ? exitCode.done : exitCode.failed;
} catch (error) {
  screen.rest();
  if (!stop.signal.aborted) throw error;
  screen.print('Interrupted. The lab is ended.');
  process.exitCode = exitCode.interrupted;
} finally {
  if (!keep || stop.signal.aborted) {
    screen.wait('ending the lab');
    await lab.down();
    removeState(paths, 'all-but-evidence');
    screen.rest();
  }
  screen.print(`Evidence: ${here(paths.root)}/.drayage/runs, ${here(paths.root)}/maintenance.json`);
}
process.exit();
