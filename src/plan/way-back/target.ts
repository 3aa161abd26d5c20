import type { MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Plan, Step } from '../plan.ts';
import { moveLayout } from '../share-layout.ts';
import { asUserOf, systemctl } from '../steps/as-owner.ts';
import {
  asOperations,
  policyIfThere,
  setPolicyIfThere,
  stopIfThereCommands,
  stopLimit,
} from '../steps/engine.ts';
import { targetStopped } from '../steps/stopped.ts';
import { byOwner, restarted, workloadList } from '../steps/workload-names.ts';

/** No process of the target guest holds a file below the path. */
export function quietTarget(context: MoveContext): Check {
  const { move } = context;
  return {
    kind: 'quiet',
    host: move.to.guest,
    path: move.from.path,
    what: `no process on ${move.to.guest} has a file below ${move.from.path} open`,
  };
}

/** Containers have no condition: what would start them again is their restart policy. */
function withoutPolicy(context: MoveContext): Check[] {
  const host = context.move.to.guest;
  return byOwner(context).flatMap((owner) =>
    restarted(owner.containers).map((container): Check => {
      // A container that is not there (any more) does not start either.
      return {
        kind: 'run',
        host,
        argv: asUserOf(context, 'target', owner.user, policyIfThere(container, 'no')),
        expect: { exitCode: 0 },
        what: `${container.name} has no restart policy on ${host}`,
      };
    }),
  );
}

/** Nothing of the move runs on the target, and nothing would start it, a reboot included. */
export function cannotStart(context: MoveContext, recorded: Plan): Check[] {
  const conditions = recorded.steps.find((step) => step.id === `conditions ${context.move.name}`);
  return [
    ...targetStopped(context),
    ...withoutPolicy(context),
    ...(conditions?.proof ?? conditionsByHand(context)),
  ];
}

/** On NixOS the conditions come with the configuration: systemd shows whether the units have them. */
function conditionsByHand(context: MoveContext): Check[] {
  const { move, share } = context;
  const host = move.to.guest;
  const asserted = `AssertPathExists=${moveLayout(share.mount, move.name).released}`;
  return context.units.map((unit) => ({
    kind: 'run',
    host,
    argv: asUserOf(context, 'target', unit.user, [
      'sh',
      '-c',
      'asserted=$1; shift; "$@" | grep -qxF -- "$asserted"',
      'sh',
      asserted,
      ...systemctl(unit.user, 'cat', '--', unit.name),
    ]),
    expect: { exitCode: 0 },
    what: `${unit.name} on ${host} asserts the release`,
  }));
}

/** Restart policies first, so that what is stopped stays stopped; then timers and units, then containers. */
export function stopOnTarget(context: MoveContext, recorded: Plan): Step {
  const { move } = context;
  const host = move.to.guest;
  const policies: Operation[] = [];
  const stops: Operation[] = [];
  for (const owner of byOwner(context)) {
    const as = (argv: string[]) => asUserOf(context, 'target', owner.user, argv);
    const of = owner.user === undefined ? '' : ` of ${owner.user}`;
    for (const container of restarted(owner.containers)) {
      policies.push({
        kind: 'run',
        host,
        argv: as(setPolicyIfThere(container, 'no')),
        what: `${container.name} is not restarted any more`,
      });
    }
    const units = [
      ...owner.units.flatMap((unit) => unit.timers.map((timer) => timer.name)),
      ...owner.units.map((unit) => unit.name),
    ];
    if (units.length > 0)
      stops.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'stop', ...units)),
        timeoutSeconds: 300,
        what: `stop ${units.join(', ')}${of}`,
      });
    stops.push(
      ...asOperations(host, stopIfThereCommands(owner.engine, owner.containers), as, {
        timeoutSeconds: stopLimit(owner.containers),
        what: (names) => `stop ${names}${of}`,
      }),
    );
  }
  const stopped = cannotStart(context, recorded);
  return {
    id: `stop-target ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `Stop ${workloadList(context)} on ${host}`,
    why: 'The downtime begins here. What is stopped must stay so, and nothing may hold a file of the place.',
    needs: [],
    probe: stopped,
    operations: [...policies, ...stops],
    proof: [...stopped, quietTarget(context)],
    undo: [],
  };
}
