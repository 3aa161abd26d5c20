/** PUT /nodes/{node}/qemu/{vmid}/resize: grows a disk; a task since 8.0 (qemu-server, PVE/API2/Qemu.pm). */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { died } from '../api-error.ts';
import { type Call, type Endpoint, target } from '../endpoint.ts';
import * as format from '../formats.ts';
import { diskKeys, diskPath, volumeOf } from '../machine-start.ts';
import { flag, params, text } from '../params.ts';

const run = promisify(execFile);
const units: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

const counts = { efidisk: 1, ide: 4, sata: 6, scsi: 31, tpmstate: 1, virtio: 16 };
const drives = Object.entries(counts).flatMap(([bus, count]) =>
  Array.from({ length: count }, (_, index) => `${bus}${index}`),
);

export const resizeEndpoints: readonly Endpoint[] = [
  {
    method: 'PUT',
    path: '/nodes/{node}/qemu/{vmid}/resize',
    params: params({
      node: format.node,
      vmid: format.vmid,
      disk: text({ enum: drives }),
      size: text({ pattern: /\+?\d+(\.\d+)?[KMGT]?/ }),
      'digest?': text({ maxLength: 40 }),
      'skiplock?': flag,
    }),
    permission: { path: '/vms/{vmid}', privileges: ['VM.Config.Disk'] },
    handle: resize,
  },
];

function resize(call: Call): string {
  const { cluster, caller, values } = call;
  const { node, vmid } = target(call);
  const key = values.text('disk');
  const { conf } = cluster.vms.read(node, vmid);
  if (conf.options.lock !== undefined) throw died(`VM is locked (${conf.options.lock})`);
  const drive = conf.options[key];
  if (drive === undefined || !diskKeys(conf.options).includes(key))
    throw died(`disk '${key}' does not exist`);
  const now = bytesOf(/(?:^|,)size=([^,]+)/.exec(drive)?.[1] ?? '0');
  const asked = values.text('size');
  const size = asked.startsWith('+') ? now + bytesOf(asked.slice(1)) : bytesOf(asked);
  if (size < now) throw died('shrinking disks is not supported');
  const task = { node, type: 'resize', id: String(vmid), user: caller.tokenid };
  return cluster.tasks.start(task, ({ log }) =>
    cluster.locks.hold(vmid, async () => {
      if (size === now) return;
      log(`update VM ${vmid}: resize --disk ${key} --size ${asked}`);
      await grow(diskPath(cluster, volumeOf(drive)), size);
      const stored = cluster.vms.read(node, vmid).conf;
      const options = { ...stored.options, [key]: withSize(drive, size) };
      cluster.vms.write(node, vmid, { ...stored, options });
    }),
  );
}

async function grow(file: string, size: number): Promise<void> {
  await run('qemu-img', ['resize', '-q', '-f', 'qcow2', file, String(size)]).catch((error: Error) => {
    throw died(`command '/usr/bin/qemu-img resize' failed: ${error.message}`);
  });
}

function bytesOf(text: string): number {
  const [, number = '0', unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text) ?? [];
  return Math.round(Number(number) * (units[unit] ?? 1));
}

/** Sizes are shown in the largest unit that divides them. */
function withSize(drive: string, size: number): string {
  const unit = ['T', 'G', 'M', 'K'].find((name) => size % (units[name] ?? 1) === 0) ?? '';
  const shown = `size=${size / (units[unit] ?? 1)}${unit}`;
  return /(^|,)size=/.test(drive) ? drive.replace(/size=[^,]+/, shown) : `${drive},${shown}`;
}
