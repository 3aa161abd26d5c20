import type { WorkloadContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { asUserOf, systemctl } from './as-owner.ts';
import { asOperations, startCommands, stopCommands, stopLimit, stoppedChecks } from './engine.ts';
import { quiet } from './stopped.ts';
import { byOwner, workloadList } from './workload-names.ts';

/**
 * Stops the workloads on the source, with the time each of them asks for, and looks whether it is quiet.
 * @param there what must hold before they are started again
 */
export function stopStep(context: WorkloadContext, there: readonly Check[]): Step {
  const { move } = context;
  const host = move.from.guest;
  const operations: Operation[] = [];
  // Started on a path that is empty, because something was unmounted there, they would begin anew.
  const undo: Operation[] = [];
  const stopped: Check[] = [];
  for (const owner of byOwner(context)) {
    const as = (argv: string[]) => asUserOf(context, 'source', owner.user, argv);
    const timers = owner.units.flatMap((unit) =>
      unit.timers.filter((timer) => timer.active).map((timer) => timer.name),
    );
    const units = owner.units.map((unit) => unit.name);
    const names = [...timers, ...units];
    const active = [...timers, ...owner.units.filter((unit) => unit.active).map((unit) => unit.name)];
    const running = owner.containers.filter((container) => container.running);
    const of = owner.user === undefined ? '' : ` of ${owner.user}`;
    if (names.length > 0) {
      operations.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'stop', ...names)),
        timeoutSeconds: 300,
        what: `stop ${names.join(', ')}${of}`,
      });
      stopped.push({
        kind: 'run',
        host,
        argv: as(['sh', '-c', '! "$@"', 'sh', ...systemctl(owner.user, 'is-active', '--quiet', ...names)]),
        expect: { exitCode: 0 },
        what: `none of ${names.join(', ')}${of} is active`,
      });
    }
    if (owner.containers.length > 0) {
      if (running.length > 0) {
        operations.push(
          ...asOperations(host, stopCommands(owner.engine, running), as, {
            timeoutSeconds: stopLimit(running),
            what: (names) => `stop ${names}${of}`,
          }),
        );
      }
      const names = owner.containers.map((container) => container.name);
      const { argv, expect } = stoppedChecks(owner.engine, owner.containers);
      stopped.push({
        kind: 'run',
        host,
        argv: as(argv),
        expect,
        what: `none of ${names.join(', ')}${of} runs`,
      });
    }
    if (active.length > 0) {
      undo.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'start', ...active)),
        guards: [...there],
        timeoutSeconds: 300,
        what: `start ${active.join(', ')}${of} again`,
      });
    }
    undo.push(
      ...asOperations(host, startCommands(owner.engine, running), as, {
        timeoutSeconds: 300,
        guards: [...there],
        what: (names) => `start ${names}${of} again`,
      }),
    );
  }
  return {
    id: `stop ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `Stop ${workloadList(context)} on ${host}`,
    why: 'The downtime begins here. A database that is copied while it runs is lost; so it must be quiet: nothing runs, and no process holds a file below the path.',
    needs: [`fence ${move.name}`],
    // A shell in the old data must not look like a workload that has to be stopped: only the proof asks for quiet.
    probe: stopped,
    operations,
    proof: [...stopped, quiet(context)],
    undo,
  };
}
