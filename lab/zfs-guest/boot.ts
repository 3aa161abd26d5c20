import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { labCacheFolder } from '../image/build.ts';
import { chooseAccelerator } from '../qemu/kvm.ts';
import type { ZfsGuestImage } from './build.ts';
import { zfsGuestError } from './errors.ts';

const diskBytes = 2 * 1024 ** 3;

/** A running guest with OpenZFS and one empty disk for a pool. */
export interface ZfsGuest {
  /** Its name in `sshConfig`. */
  readonly destination: string;
  /** For `ssh -F`. */
  readonly sshConfig: string;
  /** Partition of the empty disk, as the guest names it. */
  readonly poolDevice: string;
  /** Hard stop; nothing of the guest is left. */
  stop(): Promise<void>;
}

/**
 * Boots the guest on QEMU's user network, reachable by ssh on a free port of loopback; its disks forget everything
 * when it stops, and it stops when this process ends. About 20 s without KVM.
 * @throws lab/zfs-guest-boot-failed
 */
export async function bootZfsGuest(image: ZfsGuestImage, log: (line: string) => void): Promise<ZfsGuest> {
  const folder = await mkdtemp(join(tmpdir(), 'drayage-zfs-guest-'));
  const at = (name: string) => join(folder, name);
  const destination = 'prom';
  let qemu: ChildProcess | undefined;
  const stop = async () => {
    if (qemu && qemu.exitCode === null && qemu.signalCode === null) {
      const ended = new Promise((resolve) => qemu?.once('close', resolve));
      qemu.kill('SIGKILL');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await mkdir(folder, { recursive: true });
    await writePartitionedDisk(at('pool.raw'));
    const port = await freePort();
    await writeSshFiles(at, image, destination, port);
    const accelerator = await chooseAccelerator(image, join(labCacheFolder(), 'kvm.json'), log);
    qemu = spawn('setpriv', ['--pdeathsig', 'KILL', ...qemuArgv(image, at, port, accelerator)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await untilSshAnswers(at('ssh_config'), destination, qemu, at('serial.log'));
  } catch (error) {
    await stop();
    throw error;
  }
  return { destination, sshConfig: at('ssh_config'), poolDevice: '/dev/vdb1', stop };
}

/** `lab.*` words are read by the image's initramfs; 10.0.2.15 is where QEMU's user network sends what it forwards. */
function qemuArgv(
  image: ZfsGuestImage,
  at: (name: string) => string,
  port: number,
  accelerator: 'kvm' | 'tcg',
): string[] {
  const disk = (id: string, file: string) => [
    ...['-drive', `file=${file.replaceAll(',', ',,')},format=raw,if=none,id=${id},snapshot=on,cache=unsafe`],
    ...['-device', `virtio-blk-pci,drive=${id}`],
  ];
  return [
    'qemu-system-x86_64',
    ...(accelerator === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host']
      : ['-accel', 'tcg,thread=multi', '-cpu', 'qemu64']),
    ...['-machine', 'q35', '-smp', '1', '-m', '1536', '-display', 'none', '-nodefaults', '-no-reboot'],
    ...['-kernel', image.kernel, '-initrd', image.initrd, '-append'],
    'console=ttyS0 quiet panic=-1 mitigations=off norandmaps root=/dev/vda lab.host=prom lab.ip=10.0.2.15/24',
    ...disk('root', image.zfsImage),
    ...disk('pool', at('pool.raw')),
    ...['-netdev', `user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:22`],
    ...['-device', 'virtio-net-pci,netdev=net0,romfile=', '-device', 'virtio-rng-pci'],
    ...[
      '-chardev',
      `file,id=console,path=${at('serial.log').replaceAll(',', ',,')}`,
      '-serial',
      'chardev:console',
    ],
  ];
}

/** An empty disk with one partition (type bf, Solaris): zpool labels a whole disk only with udev's help. */
async function writePartitionedDisk(path: string): Promise<void> {
  const first = 2048;
  const record = Buffer.alloc(512);
  record[446 + 4] = 0xbf;
  record.writeUInt32LE(first, 446 + 8);
  record.writeUInt32LE(diskBytes / 512 - first, 446 + 12);
  record.writeUInt16BE(0x55aa, 510);
  const file = await open(path, 'wx');
  try {
    await file.truncate(diskBytes);
    await file.write(record, 0, record.length, 0);
  } finally {
    await file.close();
  }
}

async function writeSshFiles(
  at: (name: string) => string,
  image: ZfsGuestImage,
  destination: string,
  port: number,
): Promise<void> {
  const [type, key] = (await readFile(image.guestHostKeyPub, 'utf8')).split(' ');
  await writeFile(at('known_hosts'), `[127.0.0.1]:${port} ${type} ${key?.trim()}\n`);
  await writeFile(
    at('ssh_config'),
    [
      `Host ${destination}`,
      '  HostName 127.0.0.1',
      `  Port ${port}`,
      '  User root',
      `  IdentityFile "${image.sshKey}"`,
      '  IdentitiesOnly yes',
      `  UserKnownHostsFile "${at('known_hosts')}"`,
      '  GlobalKnownHostsFile /dev/null',
      '  StrictHostKeyChecking yes',
      '',
    ].join('\n'),
  );
}

async function untilSshAnswers(
  config: string,
  destination: string,
  qemu: ChildProcess,
  serial: string,
): Promise<void> {
  const limit = Date.now() + 180_000;
  while (Date.now() < limit && qemu.exitCode === null && qemu.signalCode === null) {
    const ssh = spawn(
      'ssh',
      ['-F', config, '-o', 'ConnectTimeout=5', '-o', 'BatchMode=yes', destination, 'modprobe zfs'],
      {
        stdio: 'ignore',
      },
    );
    const code = await new Promise<number | null>((resolve) => ssh.once('close', resolve));
    if (code === 0) return;
    await sleep(500);
  }
  throw zfsGuestError('lab/zfs-guest-boot-failed', {
    seen: `No answer by ssh and "modprobe zfs" within 3 minutes. The guest's console:\n${await readFile(serial, 'utf8').catch(() => '')}`,
    next: ['npm run test:zfs'],
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port on 127.0.0.1');
  return address.port;
}
