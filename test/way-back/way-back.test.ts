import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { andBack, runningOn, twoWriters, watchBoth, workloads } from '../../lab/fault/watch.ts';
import { type Lab, startLab } from '../../lab/index.ts';
import { planted } from '../../lab/services/install.ts';
import { checkWriterLog } from '../../lab/services/writer-log.ts';
import type { Report } from '../../src/verify/report.ts';

/** There, back with what was written, there again with a controller that is lost, and letting go: one lab, in this order. */

let folder: string;
let lab: Lab;
/** Of the controller that is at work. */
let config: string;
const program = resolve(import.meta.dirname, '../../src/cli/main.ts');
const times: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lab-way-back-'));
  lab = await startLab({ folder });
  config = lab.paths.drayageConfig;
});
afterAll(async () => {
  console.log(times.join('\n'));
  await lab?.down();
  rmSync(folder, { recursive: true });
});

const argvOf = (args: readonly string[]) => [process.execPath, program, '--file', config, ...args];

async function drayage(...args: string[]) {
  const begun = Date.now();
  const ran = await lab.exec(argvOf(args), { cwd: lab.paths.root });
  times.push(`${((Date.now() - begun) / 1000).toFixed(1).padStart(7)} s  drayage ${args.join(' ')}`);
  return { exitCode: ran.exitCode, stdout: ran.stdout.toString(), stderr: ran.stderr.toString() };
}

const runs = () => join(resolve(config, '..'), '.drayage/runs');
const lastRun = () => join(runs(), readdirSync(runs()).sort().at(-1) as string);
const journal = () => readFileSync(join(lastRun(), 'journal.jsonl'), 'utf8');
const report = (): Report => JSON.parse(readFileSync(join(lastRun(), 'report.json'), 'utf8'));

async function on(host: string, line: string): Promise<string> {
  const ran = await lab.ssh(host, ['sh', '-c', line], { timeoutMs: 180_000 });
  if (ran.exitCode !== 0) throw new Error(`${host}: ${line}: exit code ${ran.exitCode}: ${ran.stderr}`);
  return ran.stdout.toString();
}
const on1 = () => runningOn(lab.ssh, 'doc1');
const on2 = () => runningOn(lab.ssh, 'doc2');
const policies = () =>
  on('doc1', "podman container inspect --format '{{.Name}} {{.HostConfig.RestartPolicy.Name}}' app writer");

async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 120): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !(await holds()); await sleep(500))
    if (Date.now() > end) throw new Error(`waited ${seconds} s until ${what}`);
}

/** Kills a command as soon as its journal has these words: not even its last line is written any more. */
async function killedAt(words: string, ...args: string[]): Promise<void> {
  const before = readdirSync(runs()).length;
  const ended = lab.exec(argvOf(args), { cwd: lab.paths.root }).catch(() => undefined);
  await until(
    `the journal says ${words}`,
    () => readdirSync(runs()).length > before && journal().includes(words),
    300,
  );
  const { pid } = JSON.parse(readFileSync(join(runs(), '../lock'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await ended;
  times.push(`           killed: drayage ${args.join(' ')}`);
}

/** Up to the last whole line. */
async function writerLog(host: 'doc1' | 'prom') {
  const path = host === 'doc1' ? planted.writerLog : '/nvmeprom/containers/doc1/writer/log.txt';
  const text = Buffer.from(await on(host, `cat ${path}`));
  return checkWriterLog(text.subarray(0, text.lastIndexOf('\n') + 1));
}

let policiesBefore: string;

describe('there and back', () => {
  test('the workloads move to doc2, and write there', async () => {
    policiesBefore = await policies();
    const ran = await drayage('apply', '--yes', '--window', '600', '--json');
    expect(ran.exitCode, ran.stderr).toBe(0);
    expect(await on2()).toEqual([...workloads]);
    await on(
      'doc2',
      'echo new > /mnt/docker/web/from-doc2; rm /mnt/docker/photos/library/2020/06/img_0010.jpg',
    );
  });

  test('a rollback without a word shows what was written since, and does nothing', async () => {
    const ran = await drayage('rollback', '--yes');
    expect(ran.exitCode).toBe(5);
    expect(ran.stderr).toContain('--carry-back');
    expect(ran.stderr).toContain('+ web/from-doc2');
    expect(await on2()).toEqual([...workloads]);
  });

  test('with --carry-back it brings doc1 back with what doc2 wrote, and no line is lost', async () => {
    const lines = (await writerLog('prom')).lines;
    const watch = watchBoth(lab.paths);
    const ran = await drayage('rollback', '--carry-back', '--yes', '--window', '900', '--json');
    expect(ran.exitCode, ran.stderr).toBe(7);
    await until('all run on doc1', async () => (await on1()).length === workloads.length, 60);
    expect(twoWriters(await watch.stop(), andBack)).toEqual([]);
    expect(await on2()).toEqual([]);
    const log = await writerLog('doc1');
    expect(log).toMatchObject({ lost: 0, doubled: 0, bad: 0 });
    expect(log.lines).toBeGreaterThanOrEqual(lines);
    expect(await on('doc1', 'cat /mnt/docker/web/from-doc2')).toBe('new\n');
    await expect(on('doc1', 'ls /mnt/docker/photos/library/2020/06/img_0010.jpg')).rejects.toThrow('No such');
    expect(await policies()).toBe(policiesBefore);
  });

  test('its report tells the downtime, what was compared, and where both sides are kept', () => {
    expect(report()).toMatchObject({
      differences: 0,
      windowSeconds: expect.any(Number),
      containers: { missing: [] },
      moves: [{ move: 'doc1', scope: 'full' }],
      rollback: {
        choice: 'carry-back',
        moves: [
          {
            move: 'doc1',
            kept: ['nvmeprom/containers@drayage-doc1-cutover', 'nvmeprom/containers@drayage-doc1-rollback-1'],
          },
        ],
      },
    });
    times.push(`${(report().windowSeconds ?? 0).toFixed(1).padStart(7)} s  downtime of the way back`);
  });
});

describe('a controller that is lost in the window', () => {
  test('is killed while the workloads are down, and its folder is gone', async () => {
    await killedAt('"step":"final-pass doc1"', 'apply', '--yes', '--window', '600', '--json');
    const other = mkdtempSync(join(folder, 'other-'));
    copyFileSync(config, join(other, 'drayage.yaml'));
    config = join(other, 'drayage.yaml');
    expect(await on1()).toEqual([]);
    expect(await on2()).toEqual([]);
  });

  test('another one refuses to guess, and is told how to take over', async () => {
    const ran = await drayage('apply', '--yes', '--window', '600');
    expect(ran.exitCode).toBe(5);
    expect(ran.stderr).toContain('drayage take-over');
  });

  test('takes over from the note in the share, and finishes the move', async () => {
    const taken = await drayage('take-over', '--yes');
    expect(taken.exitCode, taken.stderr).toBe(0);
    expect(taken.stdout).toContain('Taken over: doc1');
    const ran = await drayage('apply', '--yes', '--window', '900', '--json');
    expect(ran.exitCode, ran.stderr).toBe(0);
    expect(await on2()).toEqual([...workloads]);
    expect(await on1()).toEqual([]);
    expect(await writerLog('prom')).toMatchObject({ lost: 0, doubled: 0, bad: 0 });
    expect(report()).toMatchObject({ differences: 0 });
  });
});

describe('letting go', () => {
  test('is refused while the soak time runs', async () => {
    const ran = await drayage('finalize', '--move', 'doc1', '--confirm', 'doc1');
    expect(ran.exitCode).toBe(5);
    expect(ran.stderr).toContain('soakDays');
  });

  test('shows what would go, how much, and since when it was not used, and wants the name', async () => {
    const { appendFileSync } = await import('node:fs');
    appendFileSync(config, 'finalize: { soakDays: 0 }\n');
    const ran = await drayage('finalize', '--move', 'doc1');
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toMatch(/read/);
    expect(ran.stderr).toContain('--confirm doc1');
    expect(Number(await on('doc1', 'find /mnt/docker -mindepth 1 | wc -l'))).toBeGreaterThan(6000);
  });

  test('killed in the middle, it goes on; it deletes what it showed, and nothing else', async () => {
    await on(
      'doc1',
      'find / -xdev -path /mnt/docker -prune -o -path /proc -prune -o -path /run -prune -o -path /var/log -prune -o -type f -printf "%p\\n" | sort > /run/files-before',
    );
    await killedAt(
      '"step":"delete-source doc1"',
      'finalize',
      '--move',
      'doc1',
      '--confirm',
      'doc1',
      '--json',
    );
    const ran = await drayage('finalize', '--move', 'doc1', '--confirm', 'doc1', '--json');
    expect(ran.exitCode, ran.stderr).toBe(0);
    expect(await on('doc1', 'ls -A /mnt/docker; stat -c %F /mnt/docker')).toBe('directory\n');
    const after = await on(
      'doc1',
      'find / -xdev -path /mnt/docker -prune -o -path /proc -prune -o -path /run -prune -o -path /var/log -prune -o -type f -printf "%p\\n" | sort | diff /run/files-before - || true',
    );
    expect(after.split('\n').filter((line) => line.startsWith('<') && !line.includes('/tmp/'))).toEqual([]);
    expect(await on2()).toEqual([...workloads]);
    expect(Number(await on('prom', 'find /nvmeprom/containers/doc1 | wc -l'))).toBeGreaterThan(6000);
  });

  test('a second time there is nothing to do', async () => {
    const ran = await drayage('finalize', '--move', 'doc1', '--confirm', 'doc1');
    expect(ran.exitCode, ran.stderr).toBe(0);
    expect(journal()).toContain('delete-source');
  });

  test('after it, a rollback refuses: there is no way back', async () => {
    const ran = await drayage('rollback', '--discard', '--yes');
    expect(ran.exitCode).toBe(5);
    expect(await on2()).toEqual([...workloads]);
  });
});
