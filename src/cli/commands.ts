import { InvalidArgumentError, Option } from 'commander';
import { guestSpecs } from './guest-commands.ts';
import { closing } from './help.ts';
import { maintenanceSpecs } from './maintenance-specs.ts';
import { seconds } from './option-values.ts';
import type { CommandSpec } from './program.ts';
import { tofuSpecs } from './tofu-specs.ts';

function files(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Write a number of files, such as 1000.');
  return Number(text);
}

/** Every command, in the order of an evening. Help, completion and the program itself are made from this table. */
export const commandSpecs: readonly CommandSpec[] = [
  {
    name: 'init',
    summary: 'write drayage.yaml by asking, or from what a live cluster shows',
    description:
      'Writes a commented drayage.yaml. On a terminal it asks; with --from-cluster it reads nodes, virtual machines, pools and mappings from the Proxmox VE API and drafts the file from them. It changes nothing elsewhere, and it never overwrites a file without --force.',
    options: [
      new Option('--from-cluster', 'draft from the cluster at --endpoint or PROXMOX_VE_ENDPOINT'),
      new Option('--endpoint <url>', 'address of the API, such as https://192.168.1.12:8006'),
      new Option('--fingerprint <sha256>', 'fingerprint of its certificate'),
      new Option('--force', 'overwrite the file'),
    ],
    closing: closing({
      examples: [
        ['drayage init', 'asks, and writes drayage.yaml'],
        [
          'drayage init --from-cluster',
          'drafts it from the cluster; the token comes from PROXMOX_VE_API_TOKEN',
        ],
      ],
      codes: [5],
    }),
    load: async () => (await import('./commands/init.ts')).init,
  },
  ...guestSpecs,
  {
    name: 'inspect',
    summary: 'current findings: nodes, guests, shares, sources; changes nothing',
    description:
      'Looks at everything that drayage.yaml names and prints it: versions, pools and datasets, mappings, virtual machines, containers with their paths and restart policies, units, timers, users, and the source paths with their size, databases and image stores.\n\nIt only reads. What your token or ssh user cannot see is named, with the privilege that would show it.',
    closing: closing({
      examples: [
        ['drayage inspect', 'findings for people'],
        ['drayage inspect --json', 'findings for programs'],
      ],
      codes: [5, 130],
    }),
    load: async () => (await import('./commands/inspect.ts')).inspectCommand,
  },
  {
    name: 'plan',
    summary: 'what would be done, command by command; nothing is',
    description:
      'Inspects, and shows every step from what is there to what drayage.yaml asks for: what, where, the exact command or API call, why, what is downtime and how long it is likely to last, and what cannot be taken back.\n\nWhat `drayage apply` performs is this plan, the same objects. Nothing is changed by planning.',
    options: [
      new Option('--format <format>', 'how to print it')
        .choices(['text', 'markdown', 'json'])
        .default('text'),
      new Option('--out <file>', 'also write the plan, as JSON, for `drayage apply FILE`'),
      new Option('--detailed-exitcode', 'exit with 3 when there is something to do'),
    ],
    closing: closing({
      examples: [
        ['drayage plan', 'read it'],
        ['drayage plan --format markdown > PLAN.md', 'a runbook to review and commit'],
        ['drayage plan --out evening.plan', 'keep it, and apply exactly this one later'],
      ],
      codes: [3, 5, 130],
    }),
    load: async () => (await import('./commands/plan.ts')).plan,
  },
  {
    name: 'apply',
    summary: 'do it; stops at the gate before the downtime',
    description: [
      'Performs the plan, step by step: looks first, and does only what is not in place. Everything up to the downtime is done while the workloads run.',
      'Before the window it asks for the id of the plan. Without a terminal it stops there, unless --window says how long a downtime may be. If a step of the window fails before the release, the window is taken back: the workloads run on the source again.',
      'Killed at any moment and run again, it looks at the world and goes on. The first Ctrl-C finishes the operation at hand, the second stops at once.',
    ].join('\n\n'),
    arguments: [['[plan]', 'a plan made by `drayage plan --out`: exactly this one is applied, or none']],
    options: [
      new Option('--yes', 'do not ask before the preparations (the window has its own question)'),
      new Option(
        '--window <seconds>',
        'open the window without asking when it is projected to be at most this long',
      ).argParser(seconds),
      new Option('--until <stage>', 'stop after this stage').choices(['prepare', 'seed', 'cutover', 'prove']),
      new Option('--phase <name>', 'only this phase'),
    ],
    closing: closing({
      examples: [
        ['drayage apply', 'shows the plan, asks, does it, asks again before the downtime'],
        ['drayage apply --until seed', 'everything that can be done without downtime'],
        ['drayage apply --yes --window 60', 'for a timer at night: a downtime of up to a minute is accepted'],
      ],
      codes: [4, 5, 6, 7, 10, 11, 130],
    }),
    load: async () => (await import('./commands/apply.ts')).apply,
  },
  {
    name: 'status',
    summary: 'where things stand, from the world and the journal; changes nothing',
    description:
      'Looks at each step of the plan and says whether it is in place; and tells of the last run: when, how it ended, how long the window was, and where its evidence lies.',
    closing: closing({ examples: [['drayage status', 'a look, any time']], codes: [5, 130] }),
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'verify',
    summary: 'prove again: reads every byte of both sides; changes nothing',
    description:
      'Compares content and metadata of each moved source path, which lies frozen behind its fence, with the snapshot of the share from the window: every file is read on both sides.\n\nThen looks from inside the target guest: the marker, a sample of files read through virtiofs, and whether the workloads run. Writes report.md and report.json beside the other evidence.',
    options: [
      new Option('--move <name>', 'only this move'),
      new Option('--sample <files>', 'read only so many files, spread over each tree').argParser(files),
    ],
    closing: closing({
      examples: [
        ['drayage verify', 'every move, every file'],
        ['drayage verify --sample 1000', 'a quick look: files picked from the last full proof'],
        ['drayage verify --json', 'the report on stdout'],
      ],
      codes: [4, 5, 130],
    }),
    load: async () => (await import('./commands/verify.ts')).verify,
  },
  {
    name: 'rollback',
    summary: 'go back: shows its own plan first',
    description: [
      'Before the hand-over it takes back what drayage has made, and nothing that was there before; a window that is open is taken back first.',
      'After it, the workloads go back to the source guest. What was written on the target since is shown, and you say by name what becomes of it: --carry-back copies it to the source and compares every byte, --discard leaves it in a snapshot. The source starts only when the target is stopped and cannot start any more.',
      'It shows every command before anything is done, and asks before the downtime. Cut off at any moment and run again, it goes on. A rollback that has come to its end exits with 7.',
    ].join('\n\n'),
    options: [
      new Option('--move <name>', 'only this move'),
      new Option('--phase <name>', 'only the moves of this phase'),
      new Option('--carry-back', 'copy what the target has written since to the source, and prove it'),
      new Option('--discard', 'go back to the source as it was left; a snapshot keeps the rest'),
      new Option('--yes', 'do not ask before it begins (the downtime has its own question)'),
      new Option(
        '--window <seconds>',
        'begin the downtime without asking when it is projected to be at most this long',
      ).argParser(seconds),
    ],
    closing: closing({
      examples: [
        ['drayage rollback', 'what was written since; or, before the hand-over, what would be taken back'],
        ['drayage rollback --carry-back', 'back to the source, with what the target wrote'],
        ['drayage rollback --move doc1 --discard', 'back to the source as it was'],
      ],
      codes: [4, 5, 6, 7, 11, 130],
    }),
    load: async () => (await import('./commands/rollback.ts')).rollback,
  },
  {
    name: 'take-over',
    summary: 'go on with moves that another controller began and lost',
    description:
      'For when the folder beside drayage.yaml is lost while workloads are down, or after the hand-over: reads the note that lies with the share, makes the plan of the cutover from it again, and keeps it here. It changes nothing elsewhere. Then `drayage apply` goes on, and `drayage rollback` goes back.\n\nThe other controller must not be at work any more.',
    options: [new Option('--yes', 'do not ask')],
    closing: closing({
      examples: [['drayage take-over', 'in a folder with nothing but drayage.yaml']],
      codes: [5, 11, 130],
    }),
    load: async () => (await import('./commands/take-over.ts')).takeOverCommand,
  },
  {
    name: 'finalize',
    summary: 'let the old data of a move go; asks for its name',
    description: [
      'Refused until the move is proven and `finalize.soakDays` have passed since. Shows what will be deleted on the source guest, how much it is, and when it was last read and written.',
      'It deletes below the source path and nowhere else, exactly what it has shown, while the source is fenced, stopped and quiet and the new data is released and proven. What was never moved stays there, and so do the directory itself and the fence. Where the file system can, a snapshot is taken before.',
    ].join('\n\n'),
    options: [
      new Option('--move <name>', 'the move whose old data goes').makeOptionMandatory(),
      new Option('--confirm <name>', 'the name of the move once more, where there is no terminal to ask on'),
      new Option(
        '--drop-snapshots',
        'also destroy the snapshots of the share that drayage took for the move',
      ),
    ],
    closing: closing({
      examples: [['drayage finalize --move doc1', 'shows what would go, and asks']],
      codes: [5, 6, 11, 130],
    }),
    load: async () => (await import('./commands/finalize.ts')).finalize,
  },
  ...maintenanceSpecs,
  ...tofuSpecs,
  {
    name: 'check',
    summary: 'everything that must hold before a commit; installs as a git hook',
    description: [
      'Checks the configuration, that Nix reads hosts.nix, that the generated files are fresh and staged together with what they are made from, that OpenTofu finds them valid, and that nothing secret is staged: tokens, private keys, states and plans of OpenTofu, records of drayage.',
      'Without --offline it also asks the cluster whether files, state and cluster say the same.',
      '--install makes it the pre-commit hook of this repository. A hook that is there is kept, and called first; where husky, lefthook, the pre-commit framework or core.hooksPath keep the hooks, it says the line to add instead.',
    ].join('\n\n'),
    options: [
      new Option('--offline', 'ask nobody: no drift'),
      new Option('--install', 'make it the pre-commit hook, with --offline'),
      new Option('--uninstall', 'take the hook away, and put back what was there before').conflicts(
        'install',
      ),
    ],
    closing: closing({
      examples: [
        ['drayage check', 'everything, the cluster too'],
        ['drayage check --install', 'before every commit from now on'],
      ],
      codes: [5, 10],
    }),
    load: async () => (await import('./commands/check.ts')).check,
  },
  {
    name: 'guest share',
    summary: 'the share of a guest in your hosts.nix: add, change or take away',
    description: [
      'Changes `proxmox.virtiofs` of one host in the file that `hosts.file` of drayage.yaml names, and nothing else: by the syntax of the file, so that comments, order and layout stay. Without --share it is every share that a move brings to this guest.',
      'The change is shown first, and asked for. It holds only if the file, evaluated by Nix where this machine has it, differs in exactly this attribute afterwards. What is computed in the file is refused, with the text to paste. Nothing is committed.',
    ].join('\n\n'),
    arguments: [['<name>', 'the guest: its attribute, sshAlias, hostname or proxmox.name in hosts.nix']],
    options: [
      new Option('--share <name>', 'this share of drayage.yaml'),
      new Option('--expose', 'the guest sees ACLs and extended attributes (expose_acl, expose_xattr)'),
      new Option('--remove', 'take it away'),
      new Option('--yes', 'do not ask'),
    ],
    closing: closing({
      examples: [
        ['drayage guest share doc2', 'shows the change of hosts.nix, and asks'],
        ['drayage guest share doc2 --share mirrors --yes', 'a share that no move brings'],
      ],
      codes: [5, 11],
    }),
    load: async () => (await import('./commands/guest-share.ts')).guestShare,
  },
  {
    name: 'schema',
    summary: 'the JSON Schema of drayage.yaml',
    description: 'Prints the JSON Schema of drayage.yaml, for editors.',
    closing: closing({
      examples: [['drayage schema > drayage.schema.json', 'for `# yaml-language-server: $schema=...`']],
      codes: [],
    }),
    load: async () => (await import('./commands/schema.ts')).schema,
  },
  {
    name: 'completion',
    summary: 'a completion script for bash, zsh or fish',
    description: 'Prints a completion script.',
    arguments: [['<shell>', 'bash, zsh or fish']],
    closing: closing({ examples: [['. <(drayage completion bash)', 'for this shell']], codes: [] }),
    load: async () => (await import('./commands/completion.ts')).completion,
  },
  {
    name: 'version',
    summary: 'the version',
    description: 'Prints the version of drayage and of the Node.js that runs it.',
    closing: closing({ examples: [['drayage version', 'for a bug report']], codes: [] }),
    load: async () => (await import('./commands/version.ts')).version,
  },
];
