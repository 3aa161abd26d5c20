import type { GuestWish } from '../../../src/config/config.ts';
import { createSchema } from '../../../src/config/create-schema.ts';
import type { NewGuestFacts, SeenVm } from '../../../src/plan/guest/facts.ts';
import type { NewGuest } from '../../../src/plan/guest/make-new.ts';

export const template: SeenVm = {
  vmid: 9000,
  node: 'prom',
  name: 'trixie',
  running: false,
  template: true,
  config: {
    agent: '1',
    boot: 'order=scsi0;net0',
    cores: '2',
    hotplug: 'network,disk,memory',
    ide2: 'local:vm-9000-cloudinit,media=cdrom',
    memory: 'current=2048',
    net0: 'virtio=BC:24:11:00:00:FE,bridge=vmbr0',
    scsi0: 'local-zfs:base-9000-disk-0,size=8G',
    scsi1: 'local-zfs:base-9000-disk-1,size=900G',
    virtiofs0: 'dirid=other',
    virtiofs3: 'dirid=media',
  },
};

export const newFacts = (more: Partial<NewGuestFacts> = {}): NewGuestFacts => ({
  file: { path: '/home/me/drayage.yaml', text: 'guests: {}\n', sha256: 'f'.repeat(64), mode: '0644' },
  template,
  templates: [{ vmid: 9000, name: 'trixie' }],
  alike: [],
  missing: [],
  ...more,
});

export const newGuest = (create: Record<string, unknown> = {}, wish: Partial<GuestWish> = {}): NewGuest => ({
  wish: { name: 'doc2', create: createSchema.parse({ template: 9000, ...create }), ...wish },
  enterCreate: true,
  enterVmid: true,
});

export const machine = (vmid: number, name: string, config: Record<string, string> = {}): SeenVm => ({
  vmid,
  name,
  node: 'prom',
  running: false,
  template: false,
  config,
});
