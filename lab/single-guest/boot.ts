import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BuiltGuest, labCacheFolder } from '../image/build.ts';
import { chooseAccelerator } from '../qemu/kvm.ts';

/** What boots, and how it is known to be up. */
export interface SingleGuestOptions {
  /** Its name: as a host of ssh, and its own. */
  readonly name: string;
  readonly image: BuiltGuest;
  /** Raw root file system. */
  readonly rootImage: string;
  readonly memoryMiB: number;
  /** Further raw disks, made in the folder that is given. */
  readonly disks?: (folder: string) => Promise<readonly string[]>;
  /** A command that succeeds when the guest is up. */
  readonly ready: string;
  /** A reboot in the guest boots it again; otherwise it ends. */
  readonly mayReboot?: boolean;
  /** The error for a guest that does not come up. */
  readonly failed: (seen: string) => Error;
}

/** One guest, without a node around it. */
export interface SingleGuest {
  /** Its name in `sshConfig`. */
  readonly destination: string;
  /** For `ssh -F`. */
  readonly sshConfig: string;
  /** Hard stop; nothing of the guest is left. */
  stop(): Promise<void>;
}

/**
 * Boots a guest on QEMU's user network, reachable by ssh on a free port of loopback; its disks forget everything when it
 * stops, and it stops when this process ends. About 20 s without KVM.
 */
export async function bootSingleGuest(
  options: SingleGuestOptions,
  log: (line: string) => void,
): Promise<SingleGuest> {
  const folder = await mkdtemp(join(tmpdir(), 'drayage-guest-'));
  const at = (name: string) => join(folder, name);
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
    const disks = (await options.disks?.(folder)) ?? [];
    const port = await freePort();
    await writeSshFiles(at, options, port);
    const accelerator = await chooseAccelerator(options.image, join(labCacheFolder(), 'kvm.json'), log);
    const argv = qemuArgv(options, disks, at('serial.log'), port, accelerator);
    qemu = spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], { stdio: ['ignore', 'ignore', 'inherit'] });
    await untilReady(options, at('ssh_config'), qemu, at('serial.log'));
  } catch (error) {
    await stop();
    throw error;
  }
  return { destination: options.name, sshConfig: at('ssh_config'), stop };
}

/** `lab.*` words are read by the image's initramfs; 10.0.2.15 is where QEMU's user network sends what it forwards. */
function qemuArgv(
  { name, image, rootImage, memoryMiB, mayReboot = false }: SingleGuestOptions,
  disks: readonly string[],
  serial: string,
  port: number,
  accelerator: 'kvm' | 'tcg',
): string[] {
  const disk = (file: string, index: number) => [
    ...[
      '-drive',
      `file=${file.replaceAll(',', ',,')},format=raw,if=none,id=d${index},snapshot=on,cache=unsafe`,
    ],
    ...['-device', `virtio-blk-pci,drive=d${index}`],
  ];
  return [
    'qemu-system-x86_64',
    ...(accelerator === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host']
      : ['-accel', 'tcg,thread=multi', '-cpu', 'qemu64']),
    ...['-machine', 'q35', '-smp', '1', '-m', String(memoryMiB), '-display', 'none', '-nodefaults'],
    ...(mayReboot ? [] : ['-no-reboot']),
    ...['-kernel', image.kernel, '-initrd', image.initrd, '-append'],
    `console=ttyS0 quiet panic=-1 mitigations=off norandmaps root=/dev/vda lab.host=${name} lab.ip=10.0.2.15/24`,
    ...[rootImage, ...disks].flatMap(disk),
    ...['-netdev', `user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:22`],
    ...['-device', 'virtio-net-pci,netdev=net0,romfile=', '-device', 'virtio-rng-pci'],
    ...['-chardev', `file,id=console,path=${serial.replaceAll(',', ',,')}`, '-serial', 'chardev:console'],
  ];
}

async function writeSshFiles(
  at: (name: string) => string,
  { image, name }: SingleGuestOptions,
  port: number,
): Promise<void> {
  const [type, key] = (await readFile(image.guestHostKeyPub, 'utf8')).split(' ');
  await writeFile(at('known_hosts'), `[127.0.0.1]:${port} ${type} ${key?.trim()}\n`);
  await writeFile(
    at('ssh_config'),
    [
      `Host ${name}`,
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

async function untilReady(
  { name, ready, failed }: SingleGuestOptions,
  config: string,
  qemu: ChildProcess,
  serial: string,
): Promise<void> {
  const limit = Date.now() + 180_000;
  while (Date.now() < limit && qemu.exitCode === null && qemu.signalCode === null) {
    const argv = ['-F', config, '-o', 'ConnectTimeout=5', '-o', 'BatchMode=yes', name, ready];
    const ssh = spawn('ssh', argv, { stdio: 'ignore' });
    const code = await new Promise<number | null>((resolve) => ssh.once('close', resolve));
    if (code === 0) return;
    await sleep(500);
  }
  throw failed(
    `No answer by ssh and "${ready}" within 3 minutes. The guest's console:\n${await readFile(serial, 'utf8').catch(() => '')}`,
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port on 127.0.0.1');
  return address.port;
}
