import type { UnitFindings } from '../../inspect/findings.ts';
import type { MoveContext } from '../context.ts';
import type { Check } from '../operation.ts';
import { asUserOf, systemctl } from './as-owner.ts';

/** Units of one manager, on one side of the move. */
interface Manager {
  readonly context: MoveContext;
  readonly side: 'source' | 'target';
  readonly user: string | undefined;
  readonly units: readonly UnitFindings[];
}

/**
 * systemd has read the units as they are on disk now: a drop-in that is written and not read holds nothing back until the
 * next boot (NeedDaemonReload, org.freedesktop.systemd1(5)). A unit that is not there yet needs no reading.
 */
export function unitsRead(manager: Manager): Check {
  return show(manager, 'NeedDaemonReload', 'no', 'has read what is on disk of');
}

/** systemd knows the units: what a generator makes of a quadlet is there only after a reload. */
export function unitsLoaded(manager: Manager): Check {
  return show(manager, 'LoadState', 'loaded', 'has loaded');
}

function show({ context, side, user, units }: Manager, property: string, value: string, verb: string): Check {
  const host = side === 'source' ? context.move.from.guest : context.move.to.guest;
  const names = units.map((unit) => unit.name);
  return {
    kind: 'run',
    host,
    argv: asUserOf(context, side, user, systemctl(user, 'show', '--property', property, '--value', ...names)),
    // An empty line stands between two units (systemctl(1), `show`).
    expect: { exitCode: 0, stdout: names.map(() => value).join('\n\n') },
    what: `systemd${user === undefined ? '' : ` of ${user}`} on ${host} ${verb} ${names.join(', ')}`,
  };
}
