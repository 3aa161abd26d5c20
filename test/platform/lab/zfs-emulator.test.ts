import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { controllerHost } from '../../../src/ssh/local.ts';
import { describeZfs, type ZfsUnderTest } from '../../zfs-real/expectations.ts';

const emulator = fileURLToPath(new URL('../../../lab/zfs/emulator/zfs', import.meta.url));

/** The emulator over a btrfs in a file, in a mount namespace that ends with this process. */
async function openEmulator(): Promise<ZfsUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-zfs-'));
  const at = (name: string) => join(folder, name);
  // A user who is not root must reach the command, to be refused by it.
  chmodSync(folder, 0o755);
  for (const name of ['bin', 'pool', 'mnt']) mkdirSync(at(name));
  for (const name of ['zfs', 'zpool']) symlinkSync(emulator, at(`bin/${name}`));
  execFileSync('truncate', ['-s', '1G', at('pool.img')]);
  execFileSync('mkfs.btrfs', ['-q', at('pool.img')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const environment = [`PATH=${at('bin')}:${process.env.PATH}`, `DRAYAGE_LAB_POOL_FOLDER=${at('pool')}`];
  const keeper = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', '--mount', 'env', ...environment, 'sh', '-ec'],
      `mount -o loop '${at('pool.img')}' '${at('pool')}'; zpool lab-start nvmeprom '${at('mnt')}/nvmeprom'; echo ready; exec sleep infinity`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => keeper.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    keeper.stdout.once('data', () => resolve());
    keeper.once('close', (code) => reject(new Error(`the emulator's namespace ended with ${code}`)));
  });
  const controller = controllerHost('prom');
  const enter = ['nsenter', `--mount=/proc/${keeper.pid}/ns/mnt`, '--', 'env', ...environment];
  return {
    host: { name: 'prom', run: (argv, options) => controller.run([...enter, ...argv], options) },
    mountpoint: at('mnt/nvmeprom'),
    real: false,
    async close() {
      keeper.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

describeZfs("the lab's zfs emulator", openEmulator);

it('refuses by name what it does not emulate, and never ignores it', async () => {
  const zfs = await openEmulator();
  const run = async (...argv: string[]) => {
    const { exitCode, stderr } = await zfs.host.run(argv);
    return `${exitCode} ${stderr}`;
  };
  try {
    expect(await run('zfs', 'destroy', 'nvmeprom/x')).toBe(
      '64 drayage lab emulator: zfs destroy of anything but a snapshot is not emulated\n',
    );
    expect(await run('zfs', 'destroy', 'nvmeprom@a%b')).toBe(
      '64 drayage lab emulator: zfs destroy of several snapshots is not emulated\n',
    );
    expect(await run('zfs', 'destroy', '-r', 'nvmeprom@a')).toBe(
      '64 drayage lab emulator: option -r is not emulated\n',
    );
    expect(await run('zpool', 'status')).toBe('64 drayage lab emulator: zpool status is not emulated\n');
    expect(await run('zfs', 'create', '-p', 'nvmeprom/x')).toBe(
      '64 drayage lab emulator: option -p is not emulated\n',
    );
    expect(await run('zfs', 'create', '-o', 'atime=off', 'nvmeprom/x')).toBe(
      "64 drayage lab emulator: property 'atime' is not emulated\n",
    );
    expect(await run('zfs', 'frobnicate')).toMatch(/^2 unrecognized command 'frobnicate'\nusage:/);
    expect(await run('zfs', 'create', '-z', 'nvmeprom/x')).toMatch(/^2 invalid option 'z'\nusage:/);
  } finally {
    await zfs.close();
  }
});
