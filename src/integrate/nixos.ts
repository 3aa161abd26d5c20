import { dirname, join } from 'node:path';
import { findHost, namesOf } from '../nix/find-host.ts';
import { type FleetHost, readFleet } from '../nix/fleet.ts';
import { moduleFile } from '../nix/laid-module.ts';
import type { LaidFile, NixosFacts } from '../plan/guest/integrate-facts.ts';
import type { Host, RunResult } from '../ssh/host.ts';
import type { HostKey } from '../ssh/host-key.ts';

interface NixosQuestion {
  readonly controller: Host;
  readonly guest: Host;
  readonly name: string;
  readonly hostsFile: string;
  readonly key: HostKey;
}

const textOf = (result: RunResult) => result.stdout.toString('utf8');

/**
 * What the operator's flake has of a NixOS guest, and what the guest says of itself. Only looks; a program that is not
 * there leaves its part out. undefined: hosts.nix does not have the guest.
 */
export async function readNixos(question: NixosQuestion): Promise<NixosFacts | undefined> {
  const { controller, guest, hostsFile, name } = question;
  const fleet = await readFleet(hostsFile, controller);
  if (!fleet.hosts.some((one) => namesOf(one).includes(name))) return undefined;
  const host = findHost(fleet, name);
  const folder = dirname(hostsFile);
  const place = await placeOf(controller, folder, host);
  const [hardware, module, toplevel, sops, git] = await Promise.all([
    place === undefined ? undefined : readHardware(controller, guest, place),
    place === undefined ? undefined : readModule(controller, place),
    evaluatedSystem(controller, folder, host.attribute),
    readSops(question, folder),
    controller.run(['git', '-C', folder, 'rev-parse', '--is-inside-work-tree'], { timeoutSeconds: 10 }),
  ]);
  return {
    folder,
    attribute: host.attribute,
    hostsFile,
    inGit: git.exitCode === 0,
    ...(hardware === undefined ? {} : { hardware }),
    ...(module === undefined ? {} : { module }),
    ...(toplevel === undefined ? {} : { toplevel }),
    ...(sops === undefined ? {} : { sops }),
  };
}

/** The folder of the host, beside hosts.nix; without it the layout is another one, and is left alone. */
async function placeOf(
  controller: Host,
  folder: string,
  { attribute, hostname }: FleetHost,
): Promise<string | undefined> {
  for (const name of [...new Set([attribute, hostname])]) {
    const place = join(folder, 'hosts', name);
    if ((await controller.run(['test', '-d', place], { timeoutSeconds: 10 })).exitCode === 0) return place;
  }
  return undefined;
}

async function readLaid(controller: Host, path: string): Promise<LaidFile> {
  const present = await controller.run(['cat', '--', path], { timeoutSeconds: 10 });
  return { path, ...(present.exitCode === 0 ? { present: textOf(present) } : {}) };
}

async function readHardware(controller: Host, guest: Host, place: string): Promise<NixosFacts['hardware']> {
  const argv = ['nixos-generate-config', '--show-hardware-config'];
  const said = await guest.run(argv, { timeoutSeconds: 120 });
  if (said.exitCode !== 0) return undefined;
  return { ...(await readLaid(controller, join(place, 'hardware-configuration.nix'))), wanted: textOf(said) };
}

/** Whether a file of the folder imports the module is told by its name in it. */
async function readModule(controller: Host, place: string): Promise<NixosFacts['module']> {
  const argv = [
    'grep',
    '-lsrF',
    '--include=*.nix',
    `--exclude=${moduleFile}`,
    '--',
    `./${moduleFile}`,
    place,
  ];
  const found = await controller.run(argv, { timeoutSeconds: 30 });
  const [importedBy] = textOf(found).split('\n').filter(Boolean).sort();
  return {
    ...(await readLaid(controller, join(place, moduleFile))),
    ...(importedBy === undefined ? {} : { importedBy }),
  };
}

/** The system that the flake makes, without building it. */
async function evaluatedSystem(
  controller: Host,
  folder: string,
  attribute: string,
): Promise<string | undefined> {
  const what = `${folder}#nixosConfigurations.${attribute}.config.system.build.toplevel.outPath`;
  const argv = ['nix', '--extra-experimental-features', 'nix-command flakes', 'eval', '--raw', what];
  const answer = await controller.run(['env', ...argv], { timeoutSeconds: 600 });
  const path = textOf(answer).trim();
  return answer.exitCode === 0 && /^\/nix\/store\/[^\s/]+$/.test(path) ? path : undefined;
}

/** Files that git knows, and that sops has encrypted for somebody. */
async function readSops({ controller, key }: NixosQuestion, folder: string): Promise<NixosFacts['sops']> {
  const rules = await controller.run(['cat', '--', join(folder, '.sops.yaml')], { timeoutSeconds: 10 });
  if (rules.exitCode !== 0 || key.type !== 'ssh-ed25519') return undefined;
  const asAge = await controller.run(['env', 'ssh-to-age'], {
    stdin: `${key.type} ${key.key}\n`,
    timeoutSeconds: 30,
  });
  const recipient = textOf(asAge).trim();
  if (asAge.exitCode !== 0 || !/^age1[a-z0-9]+$/.test(recipient)) return undefined;
  const grep = [
    'git',
    '-C',
    folder,
    'grep',
    '-z',
    '--name-only',
    '-e',
    'sops_version',
    '-e',
    '^sops:',
    '-e',
    '"sops":',
  ];
  const encrypted = textOf(await controller.run(grep, { timeoutSeconds: 60 }))
    .split('\0')
    .filter(Boolean);
  const files: string[] = [];
  for (const file of encrypted) {
    const has = await controller.run(['grep', '-qF', '--', recipient, join(folder, file)], {
      timeoutSeconds: 10,
    });
    if (has.exitCode === 1) files.push(file);
  }
  return { recipient, named: textOf(rules).includes(recipient), files };
}
