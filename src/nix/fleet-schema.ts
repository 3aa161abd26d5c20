import { z } from 'zod';

const virtiofs = z.object({
  mapping: z.string().min(1).default('containers'),
  cache: z.enum(['auto', 'always', 'metadata', 'never']).exactOptional(),
  direct_io: z.boolean().exactOptional(),
  expose_acl: z.boolean().exactOptional(),
  expose_xattr: z.boolean().exactOptional(),
});

const network = z.object({
  bridge: z.string().min(1).exactOptional(),
  model: z.string().min(1).exactOptional(),
  vlan: z.int().min(1).max(4094).exactOptional(),
  mac: z
    .string()
    .regex(/^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$/, 'a MAC address')
    .exactOptional(),
});

/** `proxmox` of a host; keys that are not here are kept by name. */
export const vmSchema = z.looseObject({
  vmid: z.int().min(100).max(999_999_999),
  name: z.string().min(1).exactOptional(),
  node: z.string().min(1).exactOptional(),
  description: z.string().exactOptional(),
  cores: z.int().min(1),
  memory: z.int().min(16),
  disk: z.string().min(1),
  storage: z.string().min(1).exactOptional(),
  diskInterface: z.string().min(1).exactOptional(),
  bios: z.enum(['seabios', 'ovmf']).exactOptional(),
  machine: z.string().min(1).exactOptional(),
  cpuType: z.string().min(1).exactOptional(),
  network: network.exactOptional(),
  tags: z.array(z.string().min(1)).exactOptional(),
  readonly: z.boolean().default(false),
  cloneFromTemplate: z.boolean().default(true),
  ignoreInit: z.boolean().default(false),
  ignoreChangesExtra: z.array(z.string()).default([]),
  virtiofs: z.union([virtiofs.transform((one) => [one]), z.array(virtiofs)]).default([]),
});

export const defaultsSchema = z.looseObject({
  host: z.string().min(1),
  node: z.string().min(1),
  defaultStorage: z.string().min(1).exactOptional(),
  templateVmid: z.int().min(100).max(999_999_999).exactOptional(),
});

export const hostSchema = z.looseObject({
  hostname: z.string().min(1).exactOptional(),
  sshAlias: z.string().min(1).exactOptional(),
  localIp: z.string().min(1).exactOptional(),
  user: z.string().min(1).exactOptional(),
  publicKey: z.string().min(1).exactOptional(),
  proxmox: vmSchema.exactOptional(),
});
