import { hasConditions, isAsLaid, moduleFile, stampedModule } from '../../nix/laid-module.ts';
import type { Check } from '../operation.ts';
import type { Step } from '../plan.ts';
import { guestStep } from './guest-step.ts';
import type { IntegrateFacts, IntegratePart, NixosFacts } from './integrate-facts.ts';

/** Building a system from nothing may take hours. */
const buildSeconds = 4 * 3600;
const switchUnit = 'drayage-switch.service';

/** What a NixOS guest takes, by the operator's own configuration. */
export interface NixosSteps {
  /** Files of the operator's repository. */
  readonly files: Step[];
  readonly configuration: Step[];
}

/** @param moduleText the module that is wanted; undefined: there is nothing to mount, or it cannot be told */
export function nixosSteps(
  facts: IntegrateFacts,
  skip: readonly IntegratePart[],
  moduleText: string | undefined,
  notes: string[],
): NixosSteps {
  const { nixos, name, os } = facts;
  if (os !== 'nixos') return { files: [], configuration: [] };
  if (nixos === undefined) {
    notes.push(
      `${name} runs NixOS, and drayage.yaml names no hosts.nix (hosts.file) with this host: its configuration is left to you.`,
    );
    return { files: [], configuration: [] };
  }
  const does = (part: IntegratePart) => !skip.includes(part);
  const written = [
    ...(does('hardware') ? hardwareSteps(facts, nixos, notes) : []),
    ...(does('module') && moduleText !== undefined ? moduleSteps(facts, nixos, moduleText, notes) : []),
  ];
  // What the flake makes of the guest is known only as long as none of its files becomes another one.
  const changes = (does('hosts') && facts.hosts?.edit !== undefined) || written.some(({ writes }) => writes);
  const { toplevel, ...unknown } = nixos;
  const known = toplevel === undefined || changes ? unknown : nixos;
  return {
    files: [...(does('secrets') ? secretSteps(facts, nixos) : []), ...written.map(({ step }) => step)],
    configuration: does('configuration') ? [configurationStep(facts, known)] : [],
  };
}

/** A step that lays a file, and whether it would write now. */
interface Laid {
  readonly step: Step;
  readonly writes: boolean;
}

function hardwareSteps(facts: IntegrateFacts, nixos: NixosFacts, notes: string[]): Laid[] {
  if (nixos.hardware === undefined) return [];
  const { path, present, wanted } = nixos.hardware;
  if (present !== undefined && present.trimEnd() !== wanted.trimEnd()) {
    notes.push(
      `${path} differs from what the guest says of itself (nixos-generate-config --show-hardware-config); it is yours, and stays.`,
    );
    return [];
  }
  const step = layStep(facts, nixos, {
    ...{ id: 'hardware', path, wanted },
    title: `Hardware configuration of ${facts.name} in ${path}`,
    why: 'As nixos-generate-config sees it in the guest.',
  });
  return [{ step, writes: present === undefined }];
}

/** `drayage.nix` beside the configuration of the guest. What somebody has changed stays. */
function moduleSteps(facts: IntegrateFacts, nixos: NixosFacts, moduleText: string, notes: string[]): Laid[] {
  const { name } = facts;
  if (nixos.module === undefined) return [];
  const { importedBy, path, present } = nixos.module;
  const own = present === undefined || isAsLaid(present);
  if (!own) {
    notes.push(`${path} is not as drayage has laid it, and stays. What drayage would write:\n${moduleText}`);
    return [];
  }
  if (importedBy === undefined)
    notes.push(
      `Nothing in that folder imports ${path} yet. In the configuration of ${name}:\n  imports = [ ./${moduleFile} ];`,
    );
  // One that keeps workloads from starting is not taken back for one that only mounts.
  const wanted =
    present !== undefined && hasConditions(present) && !hasConditions(moduleText)
      ? present
      : stampedModule(moduleText);
  const step = layStep(facts, nixos, {
    ...{ id: 'module', path, wanted },
    title: `Mounts of ${name} in ${path}`,
    why: 'A module to import in the configuration of the guest; drayage keeps it as long as nobody changes it.',
  });
  return [{ step, writes: present !== wanted }];
}

/** Writes a file of the operator's repository, and lets git know of it: a flake sees nothing else. Nothing is committed. */
function layStep(
  facts: IntegrateFacts,
  { folder, inGit }: NixosFacts,
  file: {
    readonly id: string;
    readonly path: string;
    readonly wanted: string;
    readonly title: string;
    readonly why: string;
  },
): Step {
  const { id, path, wanted, title, why } = file;
  const present: Check = {
    kind: 'run',
    host: 'controller',
    argv: ['cat', '--', path],
    expect: { exitCode: 0, stdout: wanted.replace(/\n$/, '') },
    what: `${path} is as it shall be`,
  };
  const known: Check = {
    kind: 'run',
    host: 'controller',
    argv: ['sh', '-c', 'git -C "$1" ls-files --error-unmatch -- "$2" >/dev/null', 'sh', folder, path],
    expect: { exitCode: 0 },
    what: `git knows ${path}`,
  };
  const done = inGit ? [present, known] : [present];
  return guestStep(facts, id, {
    title,
    why: `${why}${inGit ? ' A flake sees only what git knows; nothing is committed.' : ''}`,
    probe: done,
    operations: [
      { kind: 'write', host: 'controller', path, content: wanted, mode: '0644', what: 'write the file' },
      ...(inGit
        ? [
            {
              kind: 'run' as const,
              host: 'controller',
              argv: ['git', '-C', folder, 'add', '--intent-to-add', '--', path],
              what: 'let git know of it',
            },
          ]
        : []),
    ],
    proof: done,
  });
}

function configurationStep(facts: IntegrateFacts, nixos: NixosFacts): Step {
  const { destination, name, sshConfig, sudo } = facts;
  const { attribute, folder, toplevel } = nixos;
  const runs = (within?: number): Check => ({
    kind: 'run',
    host: name,
    argv: ['readlink', '-f', '/run/current-system'],
    expect: { exitCode: 0, ...(toplevel === undefined ? {} : { stdout: toplevel }) },
    ...(within === undefined ? {} : { within }),
    what: `${name} runs ${toplevel ?? 'its configuration'}`,
  });
  const switched: Check = {
    kind: 'run',
    host: name,
    argv: ['systemctl', 'show', '--property=Result,ActiveState', '--', switchUnit],
    expect: { exitCode: 0, stdout: 'Result=success\nActiveState=active' },
    within: 1800,
    what: 'the switch has ended well',
  };
  return guestStep(facts, 'configuration', {
    title: `NixOS configuration ${attribute} on ${name}`,
    why: 'It is built here and made the one to boot; then a unit of the guest itself switches to it, so that a network that restarts in the midst does not end it.',
    probe: toplevel === undefined ? [] : [runs()],
    operations: [
      {
        kind: 'run',
        host: 'controller',
        argv: [
          ...(sshConfig === undefined ? [] : ['env', `NIX_SSHOPTS=-F ${sshConfig}`]),
          ...['nixos-rebuild', 'boot', '--flake', `${folder}#${attribute}`, '--target-host', destination],
          ...(sudo ? ['--use-remote-sudo'] : []),
        ],
        timeoutSeconds: buildSeconds,
        what: 'build it, copy it, and make it the one to boot',
      },
      {
        kind: 'run',
        host: name,
        argv: [
          'sh',
          '-c',
          'systemctl stop -- "$1" 2>/dev/null; systemctl reset-failed -- "$1" 2>/dev/null; true',
          'sh',
          switchUnit,
        ],
        what: 'forget an earlier switch',
      },
      {
        kind: 'run',
        host: name,
        argv: [
          ...['systemd-run', '--no-block', `--unit=${switchUnit}`, '--property=Type=oneshot'],
          ...['--property=RemainAfterExit=yes', '--setenv=LOCALE_ARCHIVE'],
          ...['/nix/var/nix/profiles/system/bin/switch-to-configuration', 'switch'],
        ],
        what: 'switch to it, by a unit of its own',
      },
    ],
    proof: [switched, ...(toplevel === undefined ? [] : [runs(60)])],
  });
}

function secretSteps(facts: IntegrateFacts, { folder, sops }: NixosFacts): Step[] {
  if (sops === undefined) return [];
  const { files, named, recipient } = sops;
  const { name } = facts;
  const title = `${name} can read its secrets`;
  if (!named)
    return [
      guestStep(facts, 'secrets', {
        title,
        why: `${folder}/.sops.yaml says who can, and does not name it yet.`,
        byHand: `Add to the keys of ${folder}/.sops.yaml, and to the rules of the files that ${name} shall read:\n  - &${name} ${recipient}\nor leave it out: drayage guest integrate ${name} --skip secrets`,
      }),
    ];
  if (files.length === 0) return [];
  const has = (file: string): Check => ({
    kind: 'run',
    host: 'controller',
    argv: ['grep', '-qF', '--', recipient, `${folder}/${file}`],
    expect: { exitCode: 0 },
    what: `${file} is encrypted for ${name} too`,
  });
  return [
    guestStep(facts, 'secrets', {
      title,
      why: '.sops.yaml names it; the files that are encrypted already have to be encrypted anew for it.',
      probe: files.map(has),
      operations: files.map((file) => ({
        kind: 'run',
        host: 'controller',
        argv: ['env', '-C', folder, 'sops', 'updatekeys', '--yes', '--', file],
        timeoutSeconds: 120,
        what: `encrypt ${file} for those whom .sops.yaml names`,
      })),
      // A file for which no rule names the guest stays without it.
    }),
  ];
}
