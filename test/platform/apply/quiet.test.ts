import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { holders, quietScript } from '../../../src/apply/quiet.ts';
import { controllerHost } from '../../../src/ssh/local.ts';

const host = controllerHost('doc1');
let folder: string;
let child: ChildProcess | undefined;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'drayage-quiet-')), 'two words\nnew é');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  writeFileSync(join(folder, 'file'), 'x'.repeat(5000));
});
afterEach(async () => {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child?.once('exit', resolve));
    process.kill(-(child.pid as number), 'SIGKILL');
    await gone;
  }
  child = undefined;
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

async function look(): Promise<string[] | undefined> {
  const result = await host.run(['sh', '-c', quietScript]);
  return holders(result.stdout.toString('latin1'), Buffer.from(folder).toString('latin1'));
}

/** Starts a shell script that prints a line when it holds what it is to hold. */
async function hold(script: string, cwd = '/'): Promise<void> {
  child = spawn('bash', ['-c', script, 'bash', folder], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child?.stdout?.once('data', resolve));
  await sleep(50);
}

describe('a path', () => {
  test('that nobody holds is quiet', async () => {
    expect(await look()).toEqual([]);
  });

  test('below which a file is open is not', async () => {
    await hold('exec 7<"$1/file"; echo; exec sleep 60');
    expect(await look()).toEqual([expect.stringMatching(/^sleep \(pid \d+\): fd\/7 -> /)]);
  });

  test('below which a deleted file is open is not', async () => {
    await hold('exec 7<"$1/file"; rm "$1/file"; echo; exec sleep 60');
    expect(await look()).toEqual([expect.stringContaining('fd/7')]);
  });

  test('below which somebody works is not', async () => {
    await hold('echo; exec sleep 60', join(folder, 'sub'));
    expect(await look()).toEqual([expect.stringMatching(/^sleep .*cwd -> /)]);
  });

  test('below which a program lies that runs is not', async () => {
    await hold('cp /bin/sleep "$1/nap"; "$1/nap" 60 & echo; wait');
    expect(await look()).toEqual([expect.stringMatching(/^nap \(pid \d+\): exe -> /)]);
  });

  test('below which a file is mapped, and no longer open, is not', async () => {
    const library = '"$(ldd "$(command -v bash)" | grep -o "/[^ ]*" | head -n 1)"';
    await hold(
      `cp ${library} "$1/lib"; ln -s "$1/lib" "\${1%/*}/lib"; LD_PRELOAD="\${1%/*}/lib" sleep 60 & echo; wait`,
    );
    await sleep(300);
    expect(await look()).toEqual([expect.stringMatching(/^sleep \(pid \d+\): map -> .*lib$/)]);
  });

  test('that a container has open under another name is not', async () => {
    await hold(
      'exec unshare --mount bash -c \'mkdir -p "$1/../data"; mount --bind "$1" "$1/../data"; umount -l "$1" 2>/dev/null; exec 7<"$1/../data/file"; echo; exec sleep 60\' bash "$1"',
    );
    expect(await look()).toEqual([expect.stringMatching(/^sleep \(pid \d+\): fd\/7 -> .*\/data\/file$/)]);
  });

  test('that a container has mounted, with nothing open, is not', async () => {
    await hold(
      'exec unshare --mount bash -c \'mkdir -p "$1/../data"; mount --bind "$1/sub" "$1/../data"; echo; exec sleep 60\' bash "$1"',
    );
    expect(await look()).toEqual([expect.stringMatching(/^sleep \(pid \d+\): has it mounted at .*\/data$/)]);
  });

  test('below which a loop device has its file is not, though no process has it open', async () => {
    execFileSync('truncate', ['--size', '1M', join(folder, 'image')]);
    const device = execFileSync('losetup', ['--find', '--show', join(folder, 'image')], { encoding: 'utf8' });
    try {
      expect(await look()).toEqual([expect.stringMatching(/^loop\d+ -> .*image$/)]);
    } finally {
      execFileSync('losetup', ['--detach', device.trim()]);
    }
  });

  test('below which swap lies is not', () => {
    const parts = (swaps: string) =>
      [
        '/proc/7/ns/mnt\0mnt:[1]\0',
        '/proc/7/comm:init\n/proc/7/mountinfo:1 0 8:1 / / rw - ext4 /dev/sda1 rw\n',
        '',
        `/proc/swaps:Filename Type Size Used Priority\n${swaps}\n`,
        'mnt:[1]\n',
      ].join('\0drayage\0');
    const swap = '/proc/swaps:/mnt/docker/a\\040b file\t\t1024\t0\t-2';
    expect(holders(parts(swap), '/mnt/docker')).toEqual(['swap -> /mnt/docker/a b']);
    expect(holders(parts('/proc/swaps:/dev/sda2 partition\t1024\t0\t-2'), '/mnt/docker')).toEqual([]);
  });

  test('beside which somebody works is quiet', async () => {
    mkdirSync(`${folder}-other`);
    await hold('echo; exec sleep 60', `${folder}-other`);
    expect(await look()).toEqual([]);
  });

  test('of a machine whose answer is cut off is not called quiet', () => {
    expect(holders('', '/mnt/docker')).toBeUndefined();
    expect(holders('\0drayage\0'.repeat(4), '/mnt/docker')).toBeUndefined();
  });
});
