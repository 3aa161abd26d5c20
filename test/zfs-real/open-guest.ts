import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootZfsGuest } from '../../lab/zfs-guest/boot.ts';
import { ensureZfsGuest } from '../../lab/zfs-guest/build.ts';
import { sshHost } from '../../src/ssh/ssh.ts';
import type { ZfsUnderTest } from './expectations.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);

/** A guest with OpenZFS, and a pool on its second disk. */
export async function openGuest(): Promise<ZfsUnderTest> {
  const guest = await bootZfsGuest(await ensureZfsGuest(log), log);
  const controlFolder = await mkdtemp(join(tmpdir(), 'drayage-'));
  const host = sshHost({
    name: 'prom',
    destination: guest.destination,
    configFile: guest.sshConfig,
    controlFolder,
  });
  const close = async () => {
    await host.close();
    await guest.stop();
    await rm(controlFolder, { recursive: true, force: true });
  };
  const { exitCode, stderr } = await host.run([
    'zpool',
    'create',
    '-m',
    '/nvmeprom',
    'nvmeprom',
    guest.poolDevice,
  ]);
  if (exitCode !== 0) {
    await close();
    throw new Error(`zpool create: ${stderr}`);
  }
  return { host, mountpoint: '/nvmeprom', real: true, close };
}
