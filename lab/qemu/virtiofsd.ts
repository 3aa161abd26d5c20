import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VirtiofsDevice } from '../contracts.ts';

/** Where Proxmox puts the socket of a device, as seen on the node. */
export const virtiofsSocket = (vmid: number, index: number) =>
  `/run/qemu-server/virtiofsd/vm${vmid}-fs${index}`;

/**
 * virtiofsd's arguments as Proxmox VE 9 passes them (qemu-server, Virtiofs.pm), with two differences that the
 * guest cannot see: the socket is named instead of inherited (Node has no public way to hand a listening socket
 * to a child), and there is no `--syslog`, because the node's chroot has no syslog; its log is a file.
 */
export function virtiofsdArgv(device: VirtiofsDevice, socket: string): string[] {
  return [
    '/usr/libexec/virtiofsd',
    `--socket-path=${socket}`,
    `--shared-dir=${device.sharedDirectory}`,
    ...(device.xattr ? ['--xattr'] : []),
    ...(device.posixAcl ? ['--posix-acl'] : []),
    '--announce-submounts',
    ...(device.directIo ? ['--allow-direct-io'] : []),
    ...(device.cache === undefined ? [] : [`--cache=${device.cache}`]),
  ];
}

/**
 * Starts virtiofsd inside the node's root and resolves when its socket is there.
 * It ends by itself when QEMU closes the connection.
 */
export async function startVirtiofsd(
  device: VirtiofsDevice,
  vmid: number,
  nodeRoot: string,
  logFile: string,
): Promise<ChildProcess> {
  const socket = virtiofsSocket(vmid, device.index);
  const outside = join(nodeRoot, socket);
  mkdirSync(dirname(outside), { recursive: true });
  rmSync(outside, { force: true });
  const log = openSync(logFile, 'a');
  const child = spawn('chroot', [nodeRoot, ...virtiofsdArgv(device, socket)], {
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let failed: Error | undefined;
  child.on('error', (error) => {
    failed = error;
  });
  for (let waited = 0; waited < 10_000; waited += 50) {
    if (failed) throw new Error(`start failed: virtiofsd: ${failed.message}`);
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`start failed: virtiofsd exited with code ${child.exitCode ?? child.signalCode}`);
    if (existsSync(outside)) return child;
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error('start failed: virtiofsd did not open its socket');
}
