import { z } from 'zod';

/** Names of nodes, guests, shares, moves and phases: they appear in paths and unit names, so they stay plain. */
const name = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9-]*$/, 'letters, digits and "-" only, starting with a letter or a digit');

/** An absolute path without `..`, trailing slash or the characters that Proxmox and fstab cannot carry. */
const absolutePath = z
  .string()
  .regex(/^\//, 'an absolute path, starting with "/"')
  .regex(/^(?!.*\/\.{1,2}(\/|$))(?!.*\/\/).*$/, 'a path without "//", "/./" or "/../"')
  .regex(/^\/$|[^/]$/, 'a path without a "/" at its end');

/** Paths that end in a Proxmox mapping: `;,=()` are refused by the API (`map[n].path`), white space by fstab. */
const mappedPath = absolutePath.regex(
  /^[^;,=()\s]+$/,
  'a path without ; , = ( ) or white space: Proxmox VE cannot map it',
);

/** Owner and group as numbers: `1000:100`. Names differ between machines, numbers do not. */
const numericOwner = z
  .string()
  .regex(
    /^\d+:\d+$/,
    'a numeric owner and group such as "1000:100" (in quotes: YAML reads 10:10 as a number)',
  );

const sshDestination = z
  .string()
  .min(1)
  .regex(
    /^[^-\s][^\s]*$/,
    'an ssh destination such as "root@192.168.1.12" or a Host of your ssh configuration',
  );

const clusterSchema = z.strictObject({
  endpoint: z
    .url({ protocol: /^https$/, error: 'an https address such as "https://192.168.1.12:8006"' })
    .optional()
    .describe(
      'Address of the Proxmox VE API, without /api2/json. Default: the environment variable PROXMOX_VE_ENDPOINT.',
    ),
  fingerprint: z
    .string()
    .regex(
      /^([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$/,
      'a SHA-256 fingerprint: 32 pairs of hex digits with ":" between them',
    )
    .optional()
    .describe(
      'SHA-256 fingerprint of the API certificate. Without it, the certificate must be signed by a CA that this machine, or `ca`, trusts.',
    ),
  ca: z
    .string()
    .optional()
    .describe('File with the certificate authority of the cluster (on a node: /etc/pve/pve-root-ca.pem).'),
  tokenFile: z
    .string()
    .optional()
    .describe(
      'File that holds the API token, USER@REALM!NAME=SECRET, readable by you alone. Default: the environment variable PROXMOX_VE_API_TOKEN.',
    ),
});

const sshSchema = z.strictObject({
  config: z.string().optional().describe('ssh configuration file to use instead of your own (ssh -F).'),
});

const nodeSchema = z.strictObject({
  ssh: sshDestination.describe(
    'How this machine reaches the node: as root, because `zfs create` and `rsync` of foreign files need it.',
  ),
});

const guestSchema = z.strictObject({
  vmid: z.int().min(100).max(999_999_999).describe('Number of the virtual machine in Proxmox VE.'),
  ssh: sshDestination.describe('How this machine reaches the guest.'),
  sudo: z
    .boolean()
    .default(false)
    .describe('Run commands in the guest through `sudo -n`: for guests that refuse root over ssh.'),
  sshFromNode: sshDestination
    .optional()
    .describe('How the node reaches this guest when it pulls the data. Default: the same as `ssh`.'),
});

const shareSchema = z.strictObject({
  node: name.describe('The node that owns the data.'),
  dataset: z
    .string()
    .regex(
      /^[a-zA-Z][a-zA-Z0-9_.:-]*(\/[a-zA-Z0-9_.:-]+)+$/,
      'a ZFS dataset below a pool, such as "nvmeprom/containers"',
    )
    .describe('The ZFS dataset; made when it does not exist.'),
  path: mappedPath
    .optional()
    .describe('Mount point of the dataset on the node. Default: "/" and the name of the dataset.'),
  recordsize: z
    .enum(['4K', '8K', '16K', '32K', '64K', '128K', '256K', '512K', '1M'])
    .optional()
    .describe(
      'ZFS recordsize of a new dataset. A one-way door: blocks that are written keep theirs. Default: that of the pool.',
    ),
  mapping: z
    .string()
    .regex(
      /^[a-zA-Z][a-zA-Z0-9_-]+$/,
      'a Proxmox configuration id: a letter, then letters, digits, "_" or "-"',
    )
    .refine((id) => Buffer.byteLength(id) <= 36, 'at most 36 bytes: QEMU refuses a longer virtiofs tag')
    .optional()
    .describe('Id of the directory mapping, and the tag that guests mount. Default: the name of the share.'),
  owner: numericOwner.describe(
    'Owner and group of the top of the share, as numbers. Nothing below is changed.',
  ),
  mode: z
    .string()
    .regex(/^0?[0-7]{3,4}$/, 'an octal mode such as "0755" (in quotes)')
    .default('0755')
    .describe('Mode of the top of the share.'),
  mount: absolutePath
    .regex(/^[^\s]+$/, 'a path without white space')
    .optional()
    .describe(
      'Where the guests mount the share. Default: /mnt/<mapping id>, or the path of the move when it takes the top (`as: .`).',
    ),
  cache: z
    .enum(['auto', 'always', 'metadata', 'never'])
    .default('auto')
    .describe('cache= of the virtiofs device.'),
});

/** What shall happen to a database below the source path; without a word about it the plan is blocked. */
const databaseChoice = z
  .enum(['move', 'leave'])
  .describe('`move`: copied to the share like the rest, at your word. `leave`: not copied.');

const moveSchema = z.strictObject({
  from: z.strictObject({
    guest: name.describe('The source guest.'),
    path: absolutePath
      .regex(/^\/.+/, 'a directory below "/"')
      .describe('The source path: what is below it moves.'),
    mounted: z
      .boolean()
      .default(false)
      .describe('The source path is a mount point of its own (a data disk). drayage then refuses to copy while nothing is mounted there.'),
  }),
  to: z.strictObject({
    share: name,
    guest: name.describe('The target guest.'),
    as: z
      .string()
      .regex(
        /^(\.|[a-zA-Z0-9_][a-zA-Z0-9_.-]*(\/[a-zA-Z0-9_][a-zA-Z0-9_.-]*)*)$/,
        'a directory name inside the share, or "." for its top',
      )
      .optional()
      .describe(
        'Place inside the share. Default: the name of the source guest. "." takes the top; the share is then mounted at the source path.',
      ),
  }),
  definitions: z
    .enum(['carry', 'present'])
    .default('carry')
    .describe(
      '`carry`: drayage makes the containers and quadlets on the target as they are on the source. `present`: your own configuration (NixOS, compose) has put them there; drayage adds the conditions and starts them.',
    ),
  workloads: z
    .strictObject({
      ignore: z
        .array(z.string().min(1))
        .default([])
        .describe('Containers or units that use the path and shall be left out.'),
      alsoUnits: z
        .array(z.string().min(1))
        .default([])
        .describe('System units that must not run during the window, beside those found.'),
    })
    .default({ ignore: [], alsoUnits: [] }),
  exclude: z
    .array(z.string().min(1))
    .default([])
    .describe('Paths below the source path, relative to it, that are not copied.'),
  databases: z
    .record(z.string(), databaseChoice)
    .default({})
    .describe(
      'Your word for each database found: its path, relative to the source path, and what to do with it.',
    ),
  maxDelete: z
    .int()
    .min(0)
    .default(1000)
    .describe(
      'A pass that would delete more than this many entries below the place in the share is refused.',
    ),
});

const phaseSchema = z.strictObject({
  name,
  moves: z.array(name).min(1, 'at least one move'),
  after: name.optional().describe('The phase that must be proven before this one begins.'),
});

/** The shape of drayage.yaml, before names are resolved and defaults that depend on other keys are filled in. */
export const configSchema = z.strictObject({
  cluster: clusterSchema.default({}),
  ssh: sshSchema.default({}),
  nodes: z.record(name, nodeSchema),
  guests: z.record(name, guestSchema),
  shares: z.record(name, shareSchema),
  moves: z.record(name, moveSchema),
  phases: z.array(phaseSchema).min(1).optional().describe('Default: one phase with every move.'),
});

export type ConfigInput = z.input<typeof configSchema>;
