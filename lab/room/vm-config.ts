import { type GuestName, knownGuests, macOf, network } from './layout.ts';

/** A guest's configuration as Proxmox keeps it in /etc/pve/nodes/NODE/qemu-server/VMID.conf. */
export function vmConfigText(name: GuestName): string {
  const { vmid, memoryMiB } = knownGuests[name];
  return [
    'agent: 1',
    'boot: order=virtio0',
    'cores: 1',
    'cpu: x86-64-v2-AES',
    `memory: ${memoryMiB}`,
    `name: ${name}`,
    `net0: virtio=${macOf(name)},bridge=${network.bridge}`,
    'numa: 0',
    'onboot: 1',
    'ostype: l26',
    'scsihw: virtio-scsi-single',
    `smbios1: uuid=6d1c5b9e-0000-4000-8000-${String(vmid).padStart(12, '0')}`,
    'sockets: 1',
    `virtio0: local:${vmid}/vm-${vmid}-disk-0.qcow2,size=4G`,
    '',
  ].join('\n');
}
