import { InvalidArgumentError, Option } from 'commander';
import { integrateParts } from '../plan/guest/integrate-facts.ts';
import { closing } from './help.ts';
import type { CommandSpec } from './program.ts';

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number, without a unit.');
  return Number(text);
}

/** `drayage guest ...`, part of the table of commands. */
export const guestSpecs: readonly CommandSpec[] = [
  {
    name: 'guest new',
    summary: 'make a guest from a template; shows its plan first',
    description: [
      'Clones a template whole, gives the clone its size and its settings before its first start, starts it, waits until its guest agent answers, and enters it in drayage.yaml. How it shall be stands in hosts.nix, or there as `guests.NAME.create`, or is given by options, or is asked for on a terminal.',
      'Where drayage.yaml has `tofu`, OpenTofu makes it: the guest is entered in hosts.nix, drayage.yaml and the generated files, the plan of OpenTofu is judged and applied, and the rest is set before the first start.',
      'The next free number is taken, unless one is given. Cut off at any moment and run again, it goes on with the same machine. The virtiofs devices of the template are taken away: two guests would write into one directory.',
    ].join('\n\n'),
    arguments: [['<name>', 'of the guest, in drayage.yaml and in Proxmox VE']],
    options: [
      new Option('--template <vmid>', 'the template to clone').argParser(whole),
      new Option('--vmid <vmid>', 'its number (default: the next free one)').argParser(whole),
      new Option('--storage <name>', 'storage for its disks (default: that of the template)'),
      new Option('--cores <number>', 'processor cores').argParser(whole),
      new Option('--memory <MiB>', 'memory, a plain number').argParser(whole),
      new Option('--disk <size>', 'size of its first disk, such as 64G; grown, never shrunk'),
      new Option('--bios <bios>', 'firmware').choices(['seabios', 'ovmf']),
      new Option('--machine <type>', 'machine type, such as q35'),
      new Option('--bridge <name>', 'bridge of its network card'),
      new Option('--vlan <tag>', 'VLAN of its network card').argParser(whole),
      new Option('--tag <tag...>', 'tags'),
      new Option('--ci-user <name>', 'user that cloud-init makes'),
      new Option('--ci-ssh-keys <file>', 'public ssh keys of that user'),
      new Option('--ci-ip <address>', '"dhcp", or an address such as 192.168.1.35/24'),
      new Option('--ci-gateway <address>', 'gateway beside a fixed address'),
      new Option('--ci-nameserver <address>', 'name server'),
      new Option('--api', 'through the API, although OpenTofu keeps the virtual machines'),
      new Option('--yes', 'do not ask before it begins'),
    ],
    closing: closing({
      examples: [
        ['drayage guest new doc2', 'as drayage.yaml says, or by asking'],
        ['drayage guest new doc2 --template 9000 --disk 64G', 'by options; they are entered there'],
      ],
      codes: [5, 6, 10, 11, 130],
    }),
    load: async () => (await import('./commands/guest-new.ts')).guestNew,
  },
  {
    name: 'guest integrate',
    summary: 'fit a guest into the fleet: ssh, configuration, share',
    description: [
      'Finds the address of the guest through its guest agent, waits until it answers ssh with its own host key, and shows what it lacks: its key in known_hosts, its address and key in hosts.nix, the share that drayage.yaml means for it, its entry in drayage.yaml; on NixOS also its hardware configuration, its configuration by your flake, and your sops secrets.',
      'The host key is what the guest agent reads inside the guest. Where the agent cannot, give the fingerprint that the console shows with --host-key. What an address shows by itself is never believed.',
      'Each part does only what is missing, and can be skipped.',
    ].join('\n\n'),
    arguments: [
      ['<name>', 'of the guest'],
      ['[address]', 'its address, if the guest agent does not tell it'],
      ['[vmid]', 'its number, if neither drayage.yaml nor its name tells it'],
    ],
    options: [
      new Option('--share <name...>', 'mount this share (default: those of the moves to the guest)'),
      new Option('--skip <part...>', 'leave this part out').choices([...integrateParts]),
      new Option('--moves', 'NixOS: lay the conditions of the workloads too; inspects the sources'),
      new Option('--user <name>', 'log in as this user (default: root)'),
      new Option('--host-key <fingerprint>', 'SHA256:... as the console of the guest shows it'),
      new Option('--wait <seconds>', 'wait so long for ssh').argParser(whole).default(600),
      new Option('--yes', 'do not ask before it begins'),
    ],
    closing: closing({
      examples: [
        ['drayage guest integrate doc2', 'shows what is missing, and asks'],
        ['drayage guest integrate doc2 --skip share', 'without the share'],
        ['drayage guest integrate doc2 10.0.0.7 114', 'a guest without an agent'],
      ],
      codes: [5, 6, 10, 11, 130],
    }),
    load: async () => (await import('./commands/guest-integrate.ts')).guestIntegrate,
  },
];
