import { dropInFolder, fenceDropIn } from '../../guest/drop-in.ts';
import type { MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { asUserOf, systemctl } from './as-owner.ts';
import { sameFile } from './checks.ts';
import { policyCheck, setPolicy } from './engine.ts';
import { unitsRead } from './units-read.ts';
import { byOwner, restarted, workloadList } from './workload-names.ts';

/** Keeps the workloads from starting again on the source: a drop-in for each unit, restart policy `no` for containers. */
export function fenceStep(context: MoveContext): Step {
  const { move } = context;
  const host = move.from.guest;
  const operations: Operation[] = [];
  const undo: Operation[] = [];
  const inPlace: Check[] = [];
  // A timer of its own: enabled, it would be active again after a reboot, and ask for what is fenced without end.
  const fenced = context.units.flatMap(({ name, user, timers }) =>
    [name, ...timers.map((timer) => timer.name)].map((each) => ({
      name: each,
      ...(user === undefined ? {} : { user }),
    })),
  );
  for (const unit of fenced) {
    const content = fenceDropIn({
      ...(unit.user === undefined ? {} : { user: unit.user }),
      move: move.name,
      target: move.to.guest,
    });
    const { os, users } = context.sourceGuest.system;
    const home = users.find((user) => user.name === unit.user)?.home;
    const folder = dropInFolder({ ...unit, ...(home === undefined ? {} : { home }) }, os);
    const path = `${folder}/50-drayage-fence.conf`;
    const ofUser = home !== undefined && folder.startsWith(`${home}/`);
    operations.push(
      {
        kind: 'run',
        host,
        // What a user has in the home folder stays the user's own.
        argv: ofUser
          ? asUserOf(context, 'source', unit.user, ['mkdir', '-p', '--', folder])
          : ['install', '-d', '-m', '0755', '--', folder],
        what: 'folder of the drop-in',
      },
      {
        kind: 'write',
        host,
        path,
        content,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        what: `fence ${unit.name}`,
      },
    );
    undo.push({
      kind: 'run',
      host,
      argv: ['rm', '-f', '--', path],
      what: `take the fence of ${unit.name} away`,
    });
    inPlace.push(sameFile(host, path, content));
  }
  for (const owner of byOwner(context)) {
    if (owner.units.length > 0) {
      const reload: Operation = {
        kind: 'run',
        host,
        argv: asUserOf(context, 'source', owner.user, systemctl(owner.user, 'daemon-reload')),
        what: `systemd${owner.user === undefined ? '' : ` of ${owner.user}`} reads it`,
      };
      operations.push(reload);
      undo.push(reload);
      inPlace.push(unitsRead({ context, side: 'source', user: owner.user, units: owner.units }));
    }
    for (const container of restarted(owner.containers)) {
      const policy = (value: string): string[] =>
        asUserOf(context, 'source', owner.user, setPolicy(container, value));
      operations.push({
        kind: 'run',
        host,
        argv: policy('no'),
        what: `${container.name} is not restarted any more`,
      });
      undo.push({
        kind: 'run',
        host,
        argv: policy(container.restartPolicy),
        what: `${container.name} has restart policy ${container.restartPolicy} again`,
      });
      const { argv, expect } = policyCheck(container, 'no');
      inPlace.push({
        kind: 'run',
        host,
        argv: asUserOf(context, 'source', owner.user, argv),
        expect,
        what: `${container.name} has restart policy no`,
      });
    }
  }
  return {
    id: `fence ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `Fence ${workloadList(context)} on ${host}`,
    why: `A reboot, a timer, a restart policy or a hurried hand must not start them on ${host} any more: two writers would tear the data apart.`,
    needs: [`seed ${move.name}`, `definitions ${move.name}`, `rescue ${move.name}`],
    probe: inPlace,
    operations,
    proof: inPlace,
    undo,
  };
}
