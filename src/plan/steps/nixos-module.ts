import { type ModuleUnit, nixosGuestModule } from '../../nix/mount-module.ts';
import { type MoveContext, moveContext } from '../context.ts';

/** The module of a move's target guest: with all moves into that guest, for it is one file. */
export function nixosModule(context: MoveContext): string {
  const { config, findings, move } = context;
  const guest = move.to.guest;
  const contexts = Object.values(config.moves)
    .filter((other) => other.to.guest === guest)
    .flatMap((other) => (other.name === move.name ? context : (moveContext(config, findings, other) ?? [])));
  return nixosGuestModule(
    guest,
    contexts.map((each) => ({
      share: each.share,
      move: each.move,
      units: each.units.map((unit) => moduleUnit(unit, each)),
    })),
  );
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
