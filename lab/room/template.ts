import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { type LabPaths, network, nodeName } from './layout.ts';

/** The template that a lab has when it is asked for: the guest image, to be cloned. */
export const labTemplate = { vmid: 9000, name: 'trixie' } as const;

const configText = [
  'agent: 1',
  'boot: order=virtio0',
  'cores: 1',
  'cpu: x86-64-v2-AES',
  'hotplug: network,disk,memory',
  'memory: 1024',
  `name: ${labTemplate.name}`,
  `net0: virtio=BC:24:11:00:00:FE,bridge=${network.bridge}`,
  'numa: 1',
  'ostype: l26',
  'scsihw: virtio-scsi-single',
  'smbios1: uuid=6d1c5b9e-0000-4000-8000-000000009000',
  'template: 1',
  `virtio0: local:${labTemplate.vmid}/base-${labTemplate.vmid}-disk-0.qcow2,size=4G`,
  // Somebody forgot it there: what is cloned would share this directory with whatever else has it.
  'virtiofs0: leftover',
  '',
].join('\n');

/** A disk that is an overlay of the guest image, and the configuration of a template. */
export async function prepareTemplate(paths: LabPaths, baseImage: string): Promise<void> {
  const { vmid } = labTemplate;
  const disk = join(paths.images, String(vmid), `base-${vmid}-disk-0.qcow2`);
  if (!existsSync(disk)) {
    mkdirSync(dirname(disk), { recursive: true });
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', baseImage, disk]);
  }
  const config = join(paths.pve, 'nodes', nodeName, 'qemu-server', `${vmid}.conf`);
  mkdirSync(dirname(config), { recursive: true });
  writeFileSync(config, configText);
}
