import type { MoveConfig, ShareConfig } from '../config/config.ts';
import { conditionLines } from '../guest/drop-in.ts';
import { NixCode, type NixValue, writeValue } from './write-value.ts';

/** A unit of a move on a NixOS target. */
export interface ModuleUnit {
  /** `web.service`. */
  readonly name: string;
  /** undefined: the system manager. */
  readonly user?: string;
  /**
   * `systemd.services` of the NixOS configuration makes its unit file, so that its conditions are merged there. Otherwise
   * (a quadlet, an instance of a template, a unit of home-manager) they are a drop-in beside the file that is elsewhere.
   */
  readonly definedByNixos: boolean;
}

type ModuleShare = Pick<ShareConfig, 'mount' | 'mapping'>;

/** One move into the guest, with the units that run on its data. */
export interface ModuleMove {
  readonly share: ShareConfig;
  readonly move: MoveConfig;
  readonly units: readonly ModuleUnit[];
}

/**
 * The NixOS module of a target guest, one file to import: each share, each move's place at its old path, and for every
 * unit the conditions without which it does not start. `nofail` keeps a missing share from ending the boot in emergency
 * mode; no tmpfiles rule, because one would make an empty local directory and own it anew at each boot.
 *
 * A drop-in is written as `systemd.units.NAME.text` with `overrideStrategy = "asDropin"`: `systemd.services` would also
 * put its default PATH there, and `asDropin` on a service that NixOS itself defines would leave no unit file at all.
 * @param alone shares that it mounts besides, without a move
 */
export function nixosGuestModule(
  guest: string,
  moves: readonly ModuleMove[],
  alone: readonly ModuleShare[] = [],
): string {
  const shares = [...alone, ...moves.map(({ share }) => share)];
  const body = writeValue(
    { fileSystems: fileSystems(shares, moves), ...systemd(moves) },
    { indent: '', unit: '  ', eol: '\n' },
  );
  return [
    `# Made by drayage: shares and conditions of ${guest}. Put it beside the configuration of ${guest}, and import it there:`,
    '#   imports = [ ./drayage.nix ];',
    '{ ... }:',
    body,
    '',
  ].join('\n');
}

function fileSystems(shares: readonly ModuleShare[], moves: readonly ModuleMove[]): NixValue {
  const mounts: Record<string, NixValue> = {};
  for (const share of shares) {
    mounts[share.mount] = {
      device: share.mapping,
      fsType: 'virtiofs',
      options: ['rw', 'relatime', 'nofail', 'x-systemd.mount-timeout=30s'],
      noCheck: true,
    };
  }
  for (const { share, move } of moves) {
    if (move.to.as === '.') continue;
    mounts[move.from.path] = {
      device: `${share.mount}/${move.to.as}`,
      fsType: 'none',
      options: ['bind', 'nofail', `x-systemd.requires-mounts-for=${share.mount}`],
    };
  }
  return mounts;
}

function systemd(moves: readonly ModuleMove[]): Record<string, NixValue> {
  const sections: Record<'services' | 'units', Record<string, NixValue>> = { services: {}, units: {} };
  const userSections: typeof sections = { services: {}, units: {} };
  for (const { unit, lines } of unitsOf(moves)) {
    const into = unit.user === undefined ? sections : userSections;
    const service = /^(.*)\.service$/.exec(unit.name)?.[1];
    if (unit.definedByNixos && service !== undefined)
      into.services[service] = { unitConfig: asOptions(lines) };
    else
      into.units[unit.name] = {
        overrideStrategy: 'asDropin',
        text: NixCode.lines(['[Unit]', ...lines.map(([key, value]) => `${key}=${value}`)]),
      };
  }
  const all = { ...filled(sections), ...(isEmpty(userSections) ? {} : { user: filled(userSections) }) };
  return Object.keys(all).length === 0 ? {} : { systemd: all };
}

/** A unit that several moves have keeps the conditions of all of them. */
function unitsOf(moves: readonly ModuleMove[]) {
  const found = new Map<string, { unit: ModuleUnit; lines: (readonly [string, string])[] }>();
  for (const { share, move, units } of moves) {
    for (const unit of units) {
      const key = `${unit.user === undefined ? 'system' : 'user'} ${unit.name}`;
      const known = found.get(key) ?? { unit, lines: [] };
      found.set(key, known);
      for (const line of conditionLines({
        ...(unit.user === undefined ? {} : { user: unit.user }),
        path: move.from.path,
        marker: `${share.mount}/.drayage/share.json`,
        released: `${share.mount}/.drayage/moves/${move.name}/released`,
      }))
        if (!known.lines.some(([name, value]) => name === line[0] && value === line[1]))
          known.lines.push(line);
    }
  }
  return found.values();
}

/** Lists, because NixOS merges them with what the unit has already (nixos/lib/systemd-unit-options.nix, `unitOption`). */
function asOptions(lines: readonly (readonly [string, string])[]): NixValue {
  const options: Record<string, string[]> = {};
  for (const [key, value] of lines) {
    options[key] ??= [];
    options[key].push(value);
  }
  return options;
}

function filled(sections: Record<'services' | 'units', Record<string, NixValue>>): Record<string, NixValue> {
  return Object.fromEntries(Object.entries(sections).filter(([, units]) => Object.keys(units).length > 0));
}

function isEmpty(sections: Record<'services' | 'units', Record<string, NixValue>>): boolean {
  return Object.keys(filled(sections)).length === 0;
}
