import type { Config, ShareConfig } from '../../config/config.ts';
import { loadConfig } from '../../config/load.ts';
import { editSource, type FleetEdit } from '../../nix/edit-fleet.ts';
import { editedFile } from '../../nix/edited-file.ts';
import { nixError } from '../../nix/errors.ts';
import { findHost } from '../../nix/find-host.ts';
import { fleetOf } from '../../nix/fleet.ts';
import { type NixSource, readSource } from '../../nix/source.ts';
import type { FleetFileEdit } from '../../plan/fleet/write-hosts.ts';
import { usageError } from '../errors.ts';
import type { Action } from '../program.ts';
import { openTerminal } from '../terminal.ts';
import { writeEdited } from '../write-edited.ts';

interface ShareOptions {
  readonly share?: string;
  readonly expose?: boolean;
  readonly remove?: boolean;
  readonly yes?: boolean;
}

export const guestShare: Action = async (globals, given, [name = '']) => {
  const options = given as ShareOptions;
  const terminal = openTerminal({ color: globals.color, json: globals.json === true }, process.env);
  const config = loadConfig(globals.file, process.env, { unmade: true });
  const edit = await editOf(config, name, options);
  const again = `drayage guest share ${name}`;
  return writeEdited(edit, { config, terminal, yes: options.yes === true, again });
};

/** The file with every share in it, proven one after the other. */
async function editOf(config: Config, name: string, options: ShareOptions): Promise<FleetFileEdit> {
  const shares = sharesOf(config, name, options);
  if (config.hosts === undefined)
    throw usageError('usage/no-hosts', {
      seen: `${config.file} has no section \`hosts\``,
      next: [`write into ${config.file}: hosts: { file: hosts.nix }`],
    });
  const source = await readSource(config.hosts.file);
  await refuseAnotherMachine(config, name, source);
  let now = source;
  let evaluated = true;
  let attribute = '';
  for (const share of shares) {
    const edited = await editSource(now, fleetEdit(name, share, options));
    now = edited.after;
    evaluated &&= edited.evaluated;
    attribute = edited.attribute;
  }
  return editedFile(source, now, { attribute, evaluated });
}

function fleetEdit(host: string, share: ShareConfig, options: ShareOptions): FleetEdit {
  if (options.remove === true) return { kind: 'unshare', host, mapping: share.mapping };
  const { mapping, cache } = share;
  return {
    kind: 'share',
    host,
    device: {
      mapping,
      ...(cache !== 'auto' && { cache }),
      ...(options.expose === true && { exposeAcl: true, exposeXattr: true }),
    },
  };
}

function sharesOf(config: Config, name: string, options: ShareOptions): ShareConfig[] {
  const moved = Object.values(config.moves).filter((move) => move.to.guest === name);
  const names =
    options.share === undefined ? [...new Set(moved.map((move) => move.to.share))] : [options.share];
  const shares = names.flatMap((each) => config.shares[each] ?? []);
  if (shares.length > 0) return shares;
  throw usageError('usage/no-share', {
    seen:
      options.share === undefined
        ? `no move of ${config.file} goes to ${name}`
        : `--share ${options.share}; there is ${Object.keys(config.shares).join(', ')}`,
    next: Object.keys(config.shares).map((share) => `drayage guest share ${name} --share ${share}`),
  });
}

/** The same name for two machines would change the wrong one. */
async function refuseAnotherMachine(config: Config, name: string, source: NixSource): Promise<void> {
  const guest = config.guests[name];
  const host = findHost(await fleetOf(source), name);
  if (guest === undefined || host.proxmox === undefined || host.proxmox.vmid === guest.vmid) return;
  throw nixError('nix/another-machine', {
    seen: `${name} is ${guest.vmid} in ${config.file}, and ${host.attribute}.proxmox.vmid is ${host.proxmox.vmid}`,
    where: host.where,
    next: [`correct the number in ${config.file} or in ${source.file}`],
  });
}
