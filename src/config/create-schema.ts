import { z } from 'zod';

/** Storage, bridge and node names of Proxmox VE: they go into property strings, where `,` and `=` separate. */
const pveName = z
  .string()
  .regex(
    /^[a-zA-Z][a-zA-Z0-9_.-]*$/,
    'a name of Proxmox VE: a letter, then letters, digits, "_", "." or "-"',
  );

const pveTag = z
  .string()
  .regex(/^[a-z0-9_][a-z0-9_+.-]*$/, 'a tag of Proxmox VE: small letters, digits, "_", "-", "+" or "."');

/** The smallest unit that drayage writes is a GiB: a disk is grown, and never shrunk. */
export const diskSize = z.string().regex(/^[1-9]\d{0,5}[GT]$/, 'a size such as "64G" or "1T"');

export const memoryMiB = z.int().min(16).max(16_777_216);

const address = '(\\d{1,3}\\.){3}\\d{1,3}';
/** As `ipconfig0` of Proxmox VE has it, for IPv4: an address with its prefix, or dhcp. */
export const cloudAddress = z
  .string()
  .regex(
    new RegExp(`^(dhcp|${address}/([1-9]|[12]\\d|3[0-2]))$`),
    '"dhcp", or an address such as "192.168.1.35/24"',
  );

const plainAddress = z.string().regex(new RegExp(`^${address}$`), 'an address such as "192.168.1.1"');

const netSchema = z.strictObject({
  bridge: pveName.meta({ description: 'The bridge of the node.', examples: ['vmbr0'] }),
  vlan: z.int().min(1).max(4094).optional().describe('VLAN tag.'),
  model: z.enum(['virtio', 'e1000', 'e1000e', 'vmxnet3']).default('virtio').describe('Model of the card.'),
  firewall: z.boolean().default(false).describe('Whether the firewall of Proxmox VE guards the card.'),
});

const cloudInitSchema = z.strictObject({
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'a user name')
    .optional()
    .describe('The user that cloud-init makes.'),
  sshKeyFile: z
    .string()
    .min(1, 'the name of a file')
    .regex(/^\P{Cc}*$/u, 'a name without control characters')
    .optional()
    .describe('File with the public ssh keys of that user. Default: the keys that the template has.'),
  ip: cloudAddress.optional().describe('"dhcp", or an address with its prefix.'),
  gateway: plainAddress.optional().describe('The gateway, beside a fixed address.'),
  nameserver: plainAddress.optional().describe('The name server.'),
});

/** How `drayage guest new` makes a guest; what is left out stays as the template has it. */
export const createSchema = z
  .strictObject({
    template: z
      .int()
      .min(100)
      .max(999_999_999)
      .meta({ description: 'Number of the template that is cloned.', examples: [9000] }),
    storage: pveName
      .optional()
      .describe('Storage for the disks of the clone. Default: that of the template.'),
    cores: z.int().min(1).max(512).optional().describe('Processor cores.'),
    memory: memoryMiB
      .optional()
      .describe(
        'Memory in MiB, as a plain number: a virtual machine with virtiofs cannot have memory hotplug.',
      ),
    disk: diskSize.optional().meta({
      description: 'Size of the first disk. It is grown to it, and never shrunk.',
      examples: ['64G'],
    }),
    bios: z.enum(['seabios', 'ovmf']).optional().describe('Firmware.'),
    machine: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.+_-]*$/, 'a machine type such as "q35"')
      .optional()
      .describe('Machine type.'),
    net: netSchema.optional().describe('The first network card. Its address is made by Proxmox VE.'),
    tags: z.array(pveTag).optional().describe('Tags. Default: those of the template.'),
    onboot: z.boolean().default(true).describe('Whether it starts with its node.'),
    cloudInit: cloudInitSchema
      .optional()
      .describe('What cloud-init is told, where the template has a cloud-init drive.'),
  })
  .refine(
    ({ cloudInit }) => cloudInit?.gateway === undefined || /\d/.test(cloudInit.ip ?? ''),
    'a gateway only beside a fixed address in `ip`',
  );

export type CreateConfig = z.output<typeof createSchema>;
