import type { Config } from '../../config/config.ts';
import type { Findings } from '../../inspect/findings.ts';
import { type ModuleMove, type ModuleUnit, nixosGuestModule } from '../../nix/mount-module.ts';
import { type MoveContext, moveContext } from '../context.ts';

/** The module of a move's target guest: with all moves into that guest, for it is one file. */
export function nixosModule({ config, findings, move }: MoveContext): string {
  return nixosGuestModule(move.to.guest, moduleMoves(config, findings, move.to.guest).moves);
}

/** All moves into a guest, with their units; and the names of those that cannot be told, because something was not seen. */
export function moduleMoves(
  config: Config,
  findings: Findings,
  guest: string,
): { readonly moves: ModuleMove[]; readonly unseen: string[] } {
  const moves = Object.values(config.moves).filter(({ to }) => to.guest === guest);
  const seen = moves.flatMap((move) => moveContext(config, findings, move) ?? []);
  return {
    moves: seen.map((each) => ({
      share: each.share,
      move: each.move,
      units: each.units.map((unit) => moduleUnit(unit, each)),
    })),
    unseen: moves.map(({ name }) => name).filter((name) => !seen.some(({ move }) => move.name === name)),
  };
}

/**
 * Who makes the unit file on the target: as it is there, or, where it is not there yet, as on the source. All system
 * units of a NixOS machine come from its configuration, except what a generator or a template makes.
 */
function moduleUnit(unit: MoveContext['units'][number], context: MoveContext): ModuleUnit {
  const there = context.targetGuest.system.units.find(
    (other) => other.name === unit.name && other.user === unit.user,
  );
  const { quadlet, sourcePath } = there ?? unit;
  const instance = /@[^@]+\.[a-z]+$/.test(unit.name);
  const ofHome = unit.user !== undefined && !sourcePath.startsWith('/etc/systemd/user/');
  return {
    name: unit.name,
    ...(unit.user === undefined ? {} : { user: unit.user }),
    definedByNixos: !quadlet && !instance && !ofHome,
  };
}
