import { Option } from 'commander';
import { closing } from './help.ts';
import { seconds } from './option-values.ts';
import type { CommandSpec } from './program.ts';

function tofuOptions(detailed?: string): Option[] {
  return [
    new Option(
      '--allow <address>',
      'let this address be destroyed, replaced, forgotten, started, stopped or moved; can be given several times',
    ).argParser((address: string, before: readonly string[] | undefined) => [...(before ?? []), address]),
    new Option('--lock-timeout <seconds>', 'wait so long for the lock of the state').argParser(seconds),
    ...(detailed === undefined ? [] : [new Option('--detailed-exitcode', detailed)]),
  ];
}

/** `drayage tofu ...`, part of the table of commands. */
export const tofuSpecs: readonly CommandSpec[] = [
  {
    name: 'tofu generate',
    summary: 'write the *.tf.json of every managed virtual machine and mapping',
    description: [
      'Writes drayage.tf.json, and drayage-provider.tf.json unless `tofu.providerFile` is false, into `tofu.folder`: a resource for every virtual machine of hosts.nix (or guest of drayage.yaml) and every directory mapping, with import blocks for what exists already. The same fleet gives the same bytes.',
      'It never writes over a file that drayage did not make, or that somebody has changed since.',
    ].join('\n\n'),
    options: [
      new Option('--check', 'write nothing; exit with 1 when a file is not fresh'),
      new Option('--offline', 'do not ask the cluster: what exists is taken from the last files'),
    ],
    closing: closing({
      examples: [
        ['drayage tofu generate', 'looks at the cluster, and writes what is not fresh'],
        ['drayage tofu generate --check --offline', 'for a hook or CI'],
      ],
      codes: [5, 11],
    }),
    load: async () => (await import('./commands/tofu.ts')).tofuGenerate,
  },
  {
    name: 'tofu plan',
    summary: 'what OpenTofu would do; refuses what would destroy or replace',
    description: [
      'Runs `tofu plan` (or `terraform plan`) in `tofu.folder`, reads the plan file, and shows what it would do: what would restart, what only takes effect at the next stop and start. Values are shown only where they are harmless.',
      'A plan that would destroy, replace or forget anything, take a disk, a share or the entry of a node away, start, stop or move a machine, or do something that drayage has no name for, is refused unless the address is named with --allow. `init` is run when OpenTofu asks for it.',
    ].join('\n\n'),
    options: tofuOptions('exit with 3 when there is something to do'),
    closing: closing({
      examples: [
        ['drayage tofu plan', 'look'],
        ['drayage tofu plan --allow ADDRESS', 'this one may be destroyed or replaced'],
      ],
      codes: [3, 5, 11, 130],
    }),
    load: async () => (await import('./commands/tofu.ts')).tofuPlan,
  },
  {
    name: 'tofu apply',
    summary: 'plan, look at the plan, ask, and apply exactly that plan',
    description:
      'Plans as `drayage tofu plan` does, asks, and applies the plan file that was looked at. The token goes to OpenTofu by environment; the certificate of the API is verified as drayage does. The lock of the state is never overridden. What a window that is open, or a maintenance that was entered, is about is not changed meanwhile.',
    options: [...tofuOptions(), new Option('--yes', 'do not ask')],
    closing: closing({
      examples: [['drayage tofu apply', 'shows, asks, applies']],
      codes: [5, 11, 130],
    }),
    load: async () => (await import('./commands/tofu.ts')).tofuApply,
  },
  {
    name: 'tofu bump',
    summary: 'set the version of the provider in a Nix file of yours',
    description: [
      'Where your own Nix file pins the provider (`source = "bpg/proxmox"` with a `version` beside it), sets that version, by default to the one of `tofu.provider`: virtiofs and directory mappings came with 0.76.0.',
      'The file is changed by its syntax: one string becomes another one, and nothing else. It is shown first; what is not plain is refused with the line to write.',
    ].join('\n\n'),
    arguments: [['<file>', 'the Nix file']],
    options: [
      new Option('--to <version>', 'such as 0.111.1, or "~> 0.93.0"'),
      new Option('--yes', 'do not ask before it writes'),
    ],
    closing: closing({
      examples: [['drayage tofu bump nix/provider.nix', 'to the version of drayage.yaml']],
      codes: [5, 11],
    }),
    load: async () => (await import('./commands/tofu-bump.ts')).tofuBump,
  },
];
