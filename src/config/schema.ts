import { z } from 'zod';
import { createSchema } from './create-schema.ts';
import { defaultProviderVersion } from './provider-version.ts';

/** Names of nodes, guests, shares, moves and phases: they appear in paths and unit names, so they stay plain. */
export const name = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9-]*$/, 'letters, digits and "-" only, starting with a letter or a digit');

/** An absolute path without `..`, trailing slash or the characters that Proxmox and fstab cannot carry. */
export const absolutePath = z
  .string()
  .regex(/^\P{Cc}*$/u, 'a path without control characters: unit files and mappings cannot carry them')
  .regex(/^\//, 'an absolute path, starting with "/"')
  .regex(/^(?!.*\/\.{1,2}(\/|$))(?!.*\/\/).*$/, 'a path without "//", "/./" or "/../"')
  .regex(/^\/$|[^/]$/, 'a path without a "/" at its end');

/**
 * Paths that end in unit files: white space ends a word there, `%` begins a specifier, quotes and backslashes begin
 * what systemd unescapes (systemd.syntax(7)).
 */
const unitPath = absolutePath.regex(
  /^[^\s%"'\\]+$/,
  'a path without white space, quotes, "%" or "\\": unit files read them differently',
);

/** Paths that end in a Proxmox mapping: `;,=()` are refused by the API (`map[n].path`), white space by fstab. */
const mappedPath = absolutePath.regex(
  /^[^;,=()\s]+$/,
  'a path without ; , = ( ) or white space: Proxmox VE cannot map it',
);

/** A path below a source path: plain text, not a pattern, so that it means one directory or file and nothing else. */
const relativePath = z
  .string()
  .regex(/^[^/]/, 'a path relative to the source path, without a "/" at its start')
  .regex(
    /^(?!(.*\/)?\.{1,2}(\/|$))(?!.*\/\/).*[^/]$/,
    'a path without "//", "./" or "../", and without a "/" at its end',
  )
  .regex(/^[^*?[\]]*$/, 'a plain path: patterns (* ? [ ]) are not supported')
  .regex(/^\P{Cc}*$/u, 'a path without control characters');

/** Owner and group as numbers: `1000:100`. Names differ between machines, numbers do not. */
export const numericOwner = z
  .string()
  .regex(
    /^\d+:\d+$/,
    'a numeric owner and group such as "1000:100" (in quotes: YAML 1.1 tools read 10:10 as a number)',
  )
  .refine(
    (owner) => owner.split(':').every((id) => Number(id) < 4_294_967_295),
    'ids below 4294967295, the largest that Linux knows',
  );

export const vmid = z.int().min(100).max(999_999_999);

export const dataset = z
  .string()
  .regex(
    /^[a-zA-Z][a-zA-Z0-9_.:-]*(\/[a-zA-Z0-9_.:-]+)+$/,
    'a ZFS dataset below a pool, such as "nvmeprom/containers"',
  )
  .regex(/^(?!.*\/\.{1,2}(\/|$)).*$/, 'a ZFS dataset without "." or ".." as a component');

/** Id of a directory mapping: `pve-configid` of Proxmox VE, and QEMU's limit for a virtiofs tag. */
export const mappingId = z
  .string()
  .regex(/^[a-zA-Z][a-zA-Z0-9_-]+$/, 'a Proxmox configuration id: a letter, then letters, digits, "_" or "-"')
  .refine((id) => Buffer.byteLength(id) <= 36, 'at most 36 bytes: QEMU refuses a longer virtiofs tag');

export const sshDestination = z
  .string()
  .min(1)
  .regex(
    /^[^-\s\p{Cc}][^\s\p{Cc}]*$/u,
    'an ssh destination such as "root@192.168.1.12" or a Host of your ssh configuration',
  );

/** A file of this machine; relative to the folder of drayage.yaml, `~/` is the home folder. */
const localFile = z
  .string()
  .min(1, 'the name of a file')
  .regex(/^\P{Cc}*$/u, 'a name without control characters');

/** Scheme, host and port and nothing else: a user or a path in it would be sent or ignored silently. */
export const endpoint = z
  .string()
  .regex(
    /^https:\/\/([a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?\/?$/,
    'an https address without user and path, such as "https://192.168.1.12:8006"',
  )
  .refine((text) => URL.canParse(text), 'an address with a valid host and port');

const clusterSchema = z.strictObject({
  endpoint: endpoint
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
  ca: localFile
    .optional()
    .describe('File with the certificate authority of the cluster (on a node: /etc/pve/pve-root-ca.pem).'),
  tokenFile: localFile
    .regex(/^[^!=]*$/, 'the name of a file that holds the token, not the token itself')
    .optional()
    .describe(
      'File that holds the API token, USER@REALM!NAME=SECRET, readable by you alone (mode 0600 or 0400). The environment variable PROXMOX_VE_API_TOKEN goes before it.',
    ),
});

const sshSchema = z.strictObject({
  config: localFile.optional().describe('ssh configuration file to use instead of your own (ssh -F).'),
});

const nodeSchema = z.strictObject({
  ssh: sshDestination.meta({
    description:
      'How this machine reaches the node: as root, because `zfs create` and `rsync` of foreign files need it.',
    examples: ['root@192.168.1.12'],
  }),
  sshFromNode: sshDestination
    .optional()
    .describe(
      'How another node reaches this one when it pulls data for maintenance. Default: the same as `ssh`.',
    ),
});

/** `vmid` and `ssh` are missing only where the guest is still to be made: `check` tells of it. */
const guestSchema = z.strictObject({
  vmid: vmid.optional().meta({
    description: 'Number of the virtual machine in Proxmox VE.',
    examples: [104],
  }),
  ssh: sshDestination.optional().meta({
    description: 'How this machine reaches the guest.',
    examples: ['root@192.168.1.104'],
  }),
  sudo: z
    .boolean()
    .default(false)
    .describe('Run commands in the guest through `sudo -n`: for guests that refuse root over ssh.'),
  sshFromNode: sshDestination
    .optional()
    .describe('How the node reaches this guest when it pulls the data. Default: the same as `ssh`.'),
  create: createSchema.optional().describe('How `drayage guest new` makes the guest. See docs/guests.md.'),
});

const maintenanceSchema = z
  .strictObject({
    dataset: dataset
      .optional()
      .describe(
        'The ZFS dataset there; made when it does not exist, by `zfs receive` where that is possible.',
      ),
    path: mappedPath
      .optional()
      .describe(
        'The directory there. With `dataset`: its mount point. Without: a directory that exists, on any file system that keeps ACLs and extended attributes.',
      ),
    mounted: z
      .boolean()
      .default(false)
      .describe(
        'The directory is a mount point of its own. drayage then refuses to write while nothing is mounted there.',
      ),
    without: z
      .array(name)
      .default([])
      .describe(
        'Guests that stay behind: stopped while the share is away, started again when it is back. For a guest that is bound to its node, such as one with PCI passthrough.',
      ),
    maxDelete: z
      .int()
      .min(0)
      .default(1000)
      .describe('A pass to or from that node that would delete more than this many entries is refused.'),
  })
  .refine(
    ({ dataset, path }) => dataset !== undefined || path !== undefined,
    '`path:` with the directory on that node, or `dataset:`',
  );

const shareSchema = z.strictObject({
  node: name.meta({ description: 'The node that owns the data.', examples: ['prom'] }),
  dataset: dataset.meta({
    description: 'The ZFS dataset; made when it does not exist.',
    examples: ['nvmeprom/containers'],
  }),
  path: mappedPath
    .optional()
    .describe('Mount point of the dataset on the node. Default: "/" and the name of the dataset.'),
  recordsize: z
    .enum(['4K', '8K', '16K', '32K', '64K', '128K', '256K', '512K', '1M'])
    .optional()
    .describe(
      'ZFS recordsize of a new dataset. A one-way door: blocks that are written keep theirs. Default: that of the pool.',
    ),
  mapping: mappingId
    .optional()
    .describe('Id of the directory mapping, and the tag that guests mount. Default: the name of the share.'),
  owner: numericOwner.meta({
    description: 'Owner and group of the top of the share, as numbers. Nothing below is changed.',
    examples: ['1000:100'],
  }),
  mode: z
    .string()
    .regex(/^0?[0-7]{3,4}$/, 'an octal mode such as "0755" (in quotes)')
    .default('0755')
    .describe('Mode of the top of the share.'),
  mount: unitPath
    .optional()
    .describe(
      'Where the guests mount the share. Default: /mnt/<mapping id>, or the path of the move when it takes the top (`as: .`).',
    ),
  cache: z
    .enum(['auto', 'always', 'metadata', 'never'])
    .default('auto')
    .describe('cache= of the virtiofs device.'),
  maintenance: z
    .record(name, maintenanceSchema)
    .default({})
    .describe('Other nodes that can take the share and its guests for a while, and where they keep it.'),
});

/** Where a database lies, relative to the source path; `.` when it is the source path itself. */
const databasePath = z
  .string()
  .refine(
    (path) => path === '.' || relativePath.safeParse(path).success,
    'a path relative to the source path, without a "/" at its start or end ("." for its top)',
  );

/** What shall happen to a database below the source path; without a word about it the plan is blocked. */
const databaseChoice = z
  .enum(['move', 'leave'])
  .describe('`move`: copied to the share like the rest, at your word. `leave`: not copied.');

/** Name of a container or unit: it becomes an argument of podman or systemctl. */
const workload = z
  .string()
  .regex(/^[^-\s][^\s]*$/, 'the name of a container or unit, without white space or a "-" at its start');

/** How hard the copy of a move works before the downtime is asked for. */
const copySchema = z
  .strictObject({
    rounds: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe(
        'At most this many passes over what has changed, while the workloads run and before the downtime is asked for.',
      ),
    settled: z
      .int()
      .min(0)
      .default(500)
      .describe('Passes end when one found at most this many changed entries.'),
    processes: z
      .int()
      .min(1)
      .max(16)
      .default(4)
      .describe(
        'At most this many processes (streams of tar, or rsync) for the first copy; more run only while they pay.',
      ),
  })
  .default({ rounds: 5, settled: 500, processes: 4 });

const moveSchema = z.strictObject({
  from: z.strictObject({
    guest: name.meta({ description: 'The source guest.', examples: ['doc1'] }),
    path: unitPath.regex(/^\/.+/, 'a directory below "/"').meta({
      description: 'The source path: what is below it moves.',
      examples: ['/mnt/docker'],
    }),
    mounted: z
      .boolean()
      .default(false)
      .describe(
        'The source path is a mount point of its own (a data disk). drayage then refuses to copy while nothing is mounted there.',
      ),
  }),
  to: z.strictObject({
    share: name.meta({ description: 'The share that takes the data.', examples: ['containers'] }),
    guest: name.meta({ description: 'The target guest.', examples: ['doc2'] }),
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
        .array(workload)
        .default([])
        .describe('Containers or units that use the path and shall be left out.'),
      alsoUnits: z
        .array(workload)
        .default([])
        .describe('Units that must not run during the window, beside those found.'),
    })
    .default({ ignore: [], alsoUnits: [] }),
  exclude: z
    .array(relativePath)
    .default([])
    .describe('Paths below the source path, relative to it, that are not copied. Plain paths, not patterns.'),
  databases: z
    .record(databasePath, databaseChoice)
    .refine(
      (choices) => choices['.'] !== 'leave',
      'another choice than "leave" for ".": nothing would be left to move',
    )
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
  copy: copySchema.describe('How the copy goes on while the workloads run.'),
});

const phaseSchema = z.strictObject({
  name: name.meta({ description: 'Name of the phase, for --phase and messages.', examples: ['first'] }),
  moves: z
    .array(name)
    .min(1, 'at least one move')
    .meta({ description: 'The moves that are done together.', examples: [['doc1']] }),
  after: name.optional().describe('The phase that must be proven before this one begins.'),
});

/** Without user, query and fragment: what is secret does not stand in the file. */
export const notifyUrl = z
  .string()
  .regex(
    /^https?:\/\/([a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?(\/[^\s?#\p{Cc}]*)?$/u,
    'an http or https address without user, query or fragment, such as "https://ntfy.example.com/drayage"',
  )
  .refine((text) => URL.canParse(text), 'an address with a valid host and port');

const notifySchema = z.strictObject({
  kind: z
    .enum(['generic', 'ntfy', 'gotify'])
    .default('generic')
    .describe(
      '`generic`: a JSON object is posted to `url`. `ntfy`: `url` is the server and the topic. `gotify`: `url` is the server. See docs/notifications.md.',
    ),
  url: notifyUrl
    .optional()
    .describe(
      'Where messages go. Default: the environment variable DRAYAGE_NOTIFY_URL, which may hold what is secret, such as a query.',
    ),
  tokenFile: localFile
    .optional()
    .describe(
      'File that holds the token of ntfy, of a Gotify application, or a bearer token, readable by you alone. The environment variable DRAYAGE_NOTIFY_TOKEN goes before it.',
    ),
  stalledMinutes: z
    .int()
    .min(1)
    .max(1440)
    .default(10)
    .describe('Minutes without any progress after which a message says so. A long duration alone is none.'),
});

const finalizeSchema = z.strictObject({
  soakDays: z
    .number()
    .min(0)
    .max(3650)
    .default(7)
    .describe('Days that must lie between the proof of a move and `drayage finalize`.'),
});

const metricsSchema = z.strictObject({
  file: localFile
    .regex(/\.prom$/, 'the name of a file that ends in ".prom": node_exporter reads no other')
    .meta({
      description:
        "File for the textfile collector of Prometheus' node_exporter, written anew while a run goes on.",
      examples: ['/var/lib/prometheus/node-exporter/drayage.prom'],
    }),
});

const hostsSchema = z.strictObject({
  file: localFile.regex(/\.nix$/, 'the name of a file that ends in ".nix"').meta({
    description:
      'The Nix file with a set of all machines. drayage reads it with the Nix of this machine, or what is written out in it where there is none.',
    examples: ['hosts.nix'],
  }),
});

const tofuSchema = z.strictObject({
  folder: localFile.meta({
    description:
      'Folder of the *.tf.json files, in which OpenTofu is run. drayage writes drayage*.tf.json there.',
    examples: ['vms/tofu'],
  }),
  binary: localFile
    .optional()
    .describe('Program to run: a name on the PATH, or a path with a "/". Default: `tofu`, else `terraform`.'),
  provider: z
    .string()
    .default(defaultProviderVersion)
    .describe(
      'Version of the provider bpg/proxmox: one version, or "~> 0.93.0" for the patches of a minor version; 0.76.0 or newer, below 1.0.',
    ),
  providerFile: z
    .boolean()
    .default(true)
    .describe(
      'Write drayage-provider.tf.json with the pin and the address of the API. `false`: the folder has `terraform` and `provider` blocks of its own.',
    ),
});

/** The shape of drayage.yaml, before names are resolved and defaults that depend on other keys are filled in. */
export const configSchema = z.strictObject({
  cluster: clusterSchema.default({}),
  ssh: sshSchema.default({}),
  nodes: z.record(name, nodeSchema).describe('Proxmox VE hosts, by name.'),
  guests: z.record(name, guestSchema).describe('Virtual machines: sources and targets.'),
  shares: z
    .record(name, shareSchema)
    .describe('A dataset on a node, its directory mapping, and where guests mount it.'),
  moves: z
    .record(name, moveSchema)
    .describe('What moves: a path of a source guest, its workloads, and where they go.'),
  phases: z
    .array(phaseSchema)
    .min(1, 'at least one phase')
    .optional()
    .describe('The order of the moves. Default: one phase, "main", with every move.'),
  notify: notifySchema
    .optional()
    .describe('A message when the run waits for you, when the window opens and closes, and how it ended.'),
  finalize: finalizeSchema.default({ soakDays: 7 }).describe('When the old data may go.'),
  metrics: metricsSchema.optional().describe('Where a run stands, for Prometheus.'),
  tofu: tofuSchema.optional().describe('OpenTofu, or Terraform, kept in step. See docs/opentofu.md.'),
  hosts: hostsSchema
    .optional()
    .describe('Your own list of machines, for NixOS and OpenTofu. See docs/nixos.md.'),
});
