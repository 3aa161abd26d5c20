import type { MachineStart } from '../contracts.ts';

/** Where one machine's sockets and logs lie. */
export interface MachinePaths {
  qmp: string;
  agent: string;
  /** The guest's console, as text. */
  serial: string;
  /** The guest's second serial port: what its sshd was asked to run, as JSON lines. */
  record: string;
  /** Socket of the virtiofsd of device `index`, as QEMU sees it. */
  virtiofs(index: number): string;
}

export interface Boot {
  kernel: string;
  initrd: string;
  accelerator: 'kvm' | 'tcg';
  /** The guest's address with prefix length, such as `10.77.0.11/24`. */
  address: string;
}

/** The host end of a guest's network card, named as Proxmox names it. */
export const tapName = (vmid: number, index: number) => `tap${vmid}i${index}`;

/** QEMU reads commas in option values as separators, and doubled ones as themselves. */
const value = (text: string) => text.replaceAll(',', ',,');

/**
 * QEMU's arguments for one machine. The taps are made by QEMU itself, so that they go when it goes.
 * Devices are named and built as Proxmox does (memory backend and virtiofs: qemu-server's Memory.pm, Virtiofs.pm).
 */
export function qemuArgv(machine: MachineStart, boot: Boot, paths: MachinePaths): string[] {
  const shared = machine.virtiofs.length > 0;
  const argv = [
    'qemu-system-x86_64',
    ...['-name', `${value(machine.name)},process=${machine.vmid}`],
    ...(boot.accelerator === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host']
      : ['-accel', 'tcg,thread=multi', '-cpu', 'qemu64']),
    ...['-machine', shared ? 'q35,memory-backend=virtiofs-mem' : 'q35'],
    ...['-smp', String(machine.cores), '-m', String(machine.memoryMiB)],
    ...['-display', 'none', '-nodefaults', '-no-user-config'],
    ...['-kernel', boot.kernel, '-initrd', boot.initrd],
    ...['-append', kernelArguments(machine.name, boot.address)],
    ...['-qmp', `unix:${value(paths.qmp)},server=on,wait=off`],
    ...['-chardev', `file,id=console,path=${value(paths.serial)},append=on`, '-serial', 'chardev:console'],
    ...['-chardev', `file,id=record,path=${value(paths.record)},append=on`, '-serial', 'chardev:record'],
    ...['-device', 'virtio-rng-pci'],
  ];
  if (shared)
    argv.push('-object', `memory-backend-memfd,id=virtiofs-mem,size=${machine.memoryMiB}M,share=on`);
  for (const [index, disk] of machine.disks.entries())
    argv.push(
      // The lab's disks live as long as the lab: waiting for the host's disk would buy nothing.
      ...['-drive', `file=${value(disk)},format=qcow2,if=none,id=drive-virtio${index},cache=unsafe`],
      ...['-device', `virtio-blk-pci,drive=drive-virtio${index},id=virtio${index}`],
    );
  for (const [index, nic] of machine.nics.entries())
    argv.push(
      ...['-netdev', `tap,id=net${index},ifname=${tapName(machine.vmid, index)},script=no,downscript=no`],
      ...['-device', `virtio-net-pci,mac=${nic.mac},netdev=net${index},romfile=`],
    );
  if (machine.agent)
    argv.push(
      ...['-chardev', `socket,id=qga0,path=${value(paths.agent)},server=on,wait=off`],
      ...['-device', 'virtio-serial-pci,id=qga0-bus'],
      ...['-device', 'virtserialport,chardev=qga0,bus=qga0-bus.0,name=org.qemu.guest_agent.0'],
    );
  for (const device of machine.virtiofs)
    argv.push(
      ...['-chardev', `socket,id=virtiofs${device.index},path=${value(paths.virtiofs(device.index))}`],
      '-device',
      `vhost-user-fs-pci,queue-size=1024,chardev=virtiofs${device.index},tag=${value(device.tag)}`,
    );
  return argv;
}

/**
 * `lab.*` words are read by the image's initramfs. Without the kernel's mitigations an emulated guest is faster; and where
 * each process has its code at the same address, QEMU finds what it translated for the one before: podman starts in half
 * the time.
 */
function kernelArguments(name: string, address: string): string {
  return `console=ttyS0 quiet panic=-1 mitigations=off norandmaps root=/dev/vda lab.host=${name} lab.ip=${address}`;
}
