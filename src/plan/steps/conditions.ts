import { conditionsDropIn, dropInFolder } from '../../guest/drop-in.ts';
import type { UnitFindings } from '../../inspect/findings.ts';
import type { MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { moveLayout, shareLayout } from '../share-layout.ts';
import { asUserOf, systemctl } from './as-owner.ts';
import { absentOrSame, removeOwn, sameFile } from './checks.ts';
import { unitsRead } from './units-read.ts';
import { byOwner } from './workload-names.ts';

/**
 * Conditions of the units on the target, before it is started with the share: from its first boot on, nothing starts
 * without the mount, the marker and the release. On NixOS they come with the module that the operator imports.
 */
export function conditionsStep(context: MoveContext): Step | undefined {
  const { move, targetGuest, units } = context;
  const host = move.to.guest;
  if (units.length === 0 || targetGuest.system.os === 'nixos') return undefined;
  const operations: Operation[] = [];
  const checks: Check[] = [];
  const undo: Operation[] = [];
  for (const unit of units) {
    const folder = dropInFolder(unit, targetGuest.system.os);
    const path = `${folder}/50-drayage.conf`;
    const content = conditions(context, unit);
    // Somebody else's unit of this name keeps its own conditions: the step stops before anything is written.
    const guards =
      move.definitions === 'carry' ? [unit, ...unit.timers].map((file) => absentOrSame(host, file)) : [];
    operations.push(
      { kind: 'run', host, argv: ['mkdir', '-p', '--', folder], guards, what: 'folder of the drop-in' },
      {
        kind: 'write',
        host,
        path,
        content,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        what: `conditions of ${unit.name}`,
      },
    );
    checks.push(sameFile(host, path, content));
    undo.push(removeOwn(host, path, { text: content }), {
      kind: 'run',
      host,
      argv: ['sh', '-c', '! test -d "$1" || rmdir --ignore-fail-on-non-empty -- "$1"', 'sh', folder],
      what: 'remove its folder when it is empty',
    });
  }
  for (const owner of byOwner(context).filter((candidate) => candidate.units.length > 0)) {
    const reload: Operation = {
      kind: 'run',
      host,
      argv: asUserOf(context, 'target', owner.user, systemctl(owner.user, 'daemon-reload')),
      what: `systemd${owner.user === undefined ? '' : ` of ${owner.user}`} reads them`,
    };
    operations.push(reload);
    undo.push(reload);
    checks.push(unitsRead({ context, side: 'target', user: owner.user, units: owner.units }));
  }
  return {
    id: `conditions ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Conditions of ${units.map((unit) => unit.name).join(', ')} on ${host}`,
    why: `Each unit asserts the mount, the marker and the release, so that not even a reboot of ${host} starts it on an empty directory or beside the old one.`,
    needs: [`place ${move.name}`],
    probe: checks,
    operations,
    proof: checks,
    // Units that others have defined stay there: without their conditions they would start beside the old ones.
    undo: move.definitions === 'carry' ? undo : [],
  };
}

function conditions(context: MoveContext, unit: UnitFindings): string {
  const { share, move } = context;
  return conditionsDropIn({
    ...(unit.user === undefined ? {} : { user: unit.user }),
    path: move.from.path,
    marker: shareLayout(share.mount).marker,
    released: moveLayout(share.mount, move.name).released,
  });
}
