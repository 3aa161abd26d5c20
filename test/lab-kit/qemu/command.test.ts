import { expect, test } from 'vitest';
import type { MachineStart } from '../../../lab/contracts.ts';
import { type MachinePaths, qemuArgv } from '../../../lab/qemu/command.ts';

const paths: MachinePaths = {
  qmp: '/lab/run/114.qmp',
  agent: '/lab/run/114.qga',
  serial: '/lab/log/doc2.console',
  record: '/lab/record/ssh-doc2.jsonl',
  virtiofs: (index) => `/lab/run/prom/run/qemu-server/virtiofsd/vm114-fs${index}`,
};

const doc2: MachineStart = {
  vmid: 114,
  name: 'doc2',
  memoryMiB: 1024,
  cores: 1,
  disks: ['/lab/images/114/vm-114-disk-0.qcow2'],
  nics: [{ mac: 'BC:24:11:00:00:0C', bridge: 'vmbr0' }],
  virtiofs: [],
  agent: true,
};

const boot = {
  kernel: '/cache/vmlinuz',
  initrd: '/cache/initrd.img',
  accelerator: 'tcg',
  address: '10.77.0.12/24',
} as const;

const share = {
  index: 0,
  tag: 'containers',
  sharedDirectory: '/nvmeprom/containers',
  xattr: false,
  posixAcl: true,
  directIo: false,
};

/** The values that follow each occurrence of an option. */
const values = (argv: string[], option: string) =>
  argv.flatMap((word, index) => (word === option ? [argv[index + 1]] : []));

test('a guest without shares has ordinary memory', () => {
  const argv = qemuArgv(doc2, boot, paths);
  expect(values(argv, '-machine')).toEqual(['q35']);
  expect(values(argv, '-object')).toEqual([]);
});

test('a guest with a share has memory that virtiofsd can map, as Proxmox gives it', () => {
  const argv = qemuArgv({ ...doc2, virtiofs: [share] }, boot, paths);
  expect(values(argv, '-machine')).toEqual(['q35,memory-backend=virtiofs-mem']);
  expect(values(argv, '-object')).toEqual(['memory-backend-memfd,id=virtiofs-mem,size=1024M,share=on']);
  expect(values(argv, '-chardev')).toContain(
    'socket,id=virtiofs0,path=/lab/run/prom/run/qemu-server/virtiofsd/vm114-fs0',
  );
  expect(values(argv, '-device')).toContain(
    'vhost-user-fs-pci,queue-size=1024,chardev=virtiofs0,tag=containers',
  );
});

test('the name and address of a guest reach its kernel command line', () => {
  const [line] = values(qemuArgv(doc2, boot, paths), '-append');
  expect(line?.split(' ')).toEqual(expect.arrayContaining(['lab.host=doc2', 'lab.ip=10.77.0.12/24']));
});

test('a comma in a path does not end a QEMU option', () => {
  const argv = qemuArgv({ ...doc2, disks: ['/a,b/disk.qcow2'] }, boot, paths);
  expect(values(argv, '-drive')[0]).toMatch(/^file=\/a,,b\/disk\.qcow2,format=qcow2/);
});

test('a guest whose agent is off has no agent port', () => {
  expect(qemuArgv({ ...doc2, agent: false }, boot, paths).join(' ')).not.toContain('guest_agent');
});

test('taps are made by QEMU itself, so that they end with it', () => {
  expect(values(qemuArgv(doc2, boot, paths), '-netdev')).toEqual([
    'tap,id=net0,ifname=tap114i0,script=no,downscript=no',
  ]);
});
