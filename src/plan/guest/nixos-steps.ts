import type { Check } from '../operation.ts';
import type { Step } from '../plan.ts';
import { guestStep } from './guest-step.ts';
import type { IntegrateFacts, IntegratePart, NixosFacts } from './integrate-facts.ts';

/** Building a system from nothing may take hours. */
const buildSeconds = 4 * 3600;
const switchUnit = 'drayage-switch.service';

/** What a NixOS guest takes, by the operator's own configuration. Nothing for any other system. */
export function nixosSteps(facts: IntegrateFacts, skip: readonly IntegratePart[], notes: string[]): Step[] {
  const { nixos, name, os } = facts;
  if (os !== 'nixos') return [];
  if (nixos === undefined) {
    notes.push(
      `${name} runs NixOS, and drayage.yaml names no hosts.nix (hosts.file) with this host: its configuration is left to you.`,
    );
    return [];
  }
  const does = (part: IntegratePart) => !skip.includes(part);
  return [
    ...(does('secrets') ? secretSteps(facts, nixos) : []),
    ...(does('hardware') ? hardwareSteps(facts, nixos, notes) : []),
    ...(does('configuration') ? [configurationStep(facts, nixos)] : []),
  ];
}

function hardwareSteps(facts: IntegrateFacts, { hardware }: NixosFacts, notes: string[]): Step[] {
  if (hardware === undefined) return [];
  const { path, present, wanted } = hardware;
  if (present !== undefined && present.trimEnd() !== wanted.trimEnd()) {
    notes.push(
      `${path} differs from what the guest says of itself (nixos-generate-config --show-hardware-config); it is yours, and stays.`,
    );
    return [];
  }
  const there: Check = {
    kind: 'run',
    host: 'controller',
    argv: ['cat', '--', path],
    expect: { exitCode: 0, stdout: wanted.replace(/\n$/, '') },
    what: `${path} is what the guest says`,
  };
  return [
    guestStep(facts, 'hardware', {
      title: `Hardware configuration of ${facts.name} in ${path}`,
      why: 'As nixos-generate-config sees it in the guest. A flake sees it only when git knows it.',
      probe: [there],
      operations: [
        { kind: 'write', host: 'controller', path, content: wanted, mode: '0644', what: 'write the file' },
      ],
      proof: [there],
    }),
  ];
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
