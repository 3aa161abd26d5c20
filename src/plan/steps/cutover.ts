import { dropInFolder, fenceDropIn } from '../../guest/drop-in.ts';
import type { ContainerFindings } from '../../inspect/findings.ts';
import { type MoveContext, notReleased } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { moveLayout, shareLayout } from '../share-layout.ts';
import { byOwner, workloadList } from './workload-names.ts';
import { asUserOf, sameFile, systemctl } from './workloads.ts';

/** Containers that something may start again: their restart policy is taken from them. */
function restarted(containers: readonly ContainerFindings[]): ContainerFindings[] {
  return containers.filter((container) => container.restartPolicy !== 'no' && container.restartPolicy !== '');
}

/** Keeps the workloads from starting again on the source: a drop-in for each unit, restart policy `no` for containers. */
export function fenceStep(context: MoveContext): Step {
  const { move } = context;
  const host = move.from.guest;
  const operations: Operation[] = [];
  const undo: Operation[] = [];
  const inPlace: Check[] = [];
  for (const unit of context.units) {
    const content = fenceDropIn({
      ...(unit.user === undefined ? {} : { user: unit.user }),
      move: move.name,
      target: move.to.guest,
    });
    const folder = dropInFolder(unit, context.sourceGuest.system.os);
    const path = `${folder}/50-drayage-fence.conf`;
    operations.push(
      {
        kind: 'run',
        host,
        argv: ['install', '-d', '-m', '0755', '--', folder],
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
    }
    for (const container of restarted(owner.containers)) {
      const policy = (value: string): string[] =>
        asUserOf(context, 'source', owner.user, ['podman', 'update', '--restart', value, container.name]);
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
      inPlace.push({
        kind: 'run',
        host,
        argv: asUserOf(context, 'source', owner.user, [
          'podman',
          'container',
          'inspect',
          '--format',
          '{{.HostConfig.RestartPolicy.Name}}',
          container.name,
        ]),
        expect: { exitCode: 0, stdout: 'no' },
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
    needs: [`seed ${move.name}`, `definitions ${move.name}`],
    probe: inPlace,
    operations,
    proof: inPlace,
    undo,
  };
}

/** Stops the workloads on the source, with the time each of them asks for, and looks whether it is quiet. */
export function stopStep(context: MoveContext): Step {
  const { move } = context;
  const host = move.from.guest;
  const operations: Operation[] = [];
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
        operations.push({
          kind: 'run',
          host,
          argv: as(['podman', 'stop', ...running.map((container) => container.name)]),
          timeoutSeconds: 60 + running.reduce((sum, container) => sum + container.stopTimeoutSeconds, 0),
          what: `stop ${running.map((container) => container.name).join(', ')}${of}`,
        });
      }
      const names = owner.containers.map((container) => container.name);
      stopped.push({
        kind: 'run',
        host,
        argv: as(['podman', 'container', 'inspect', '--format', '{{.State.Running}}', ...names]),
        expect: { exitCode: 0, stdout: names.map(() => 'false').join('\n') },
        what: `none of ${names.join(', ')}${of} runs`,
      });
    }
    if (active.length > 0) {
      undo.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'start', ...active)),
        timeoutSeconds: 300,
        what: `start ${active.join(', ')}${of} again`,
      });
    }
    if (running.length > 0) {
      undo.push({
        kind: 'run',
        host,
        argv: as(['podman', 'start', ...running.map((container) => container.name)]),
        timeoutSeconds: 300,
        what: `start ${running.map((container) => container.name).join(', ')}${of} again`,
      });
    }
  }
  return {
    id: `stop ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `Stop ${workloadList(context)} on ${host}`,
    why: 'The downtime begins here. A database that is copied while it runs is lost; so it must be quiet: nothing runs, and no process holds a file below the path.',
    needs: [`fence ${move.name}`],
    probe: [...stopped, quiet(context)],
    operations,
    proof: [...stopped, quiet(context)],
    undo,
  };
}

/** The only moment that allows the target to start: written when everything before it is proven. */
export function releaseStep(context: MoveContext, fenced: Step, stopped: Step): Step {
  const { share, move } = context;
  const path = moveLayout(share.path, move.name).released;
  const content = `${JSON.stringify({ move: move.name, to: move.to.guest })}\n`;
  const there: Check = {
    kind: 'run',
    host: share.node,
    argv: ['cat', path],
    expect: { exitCode: 0, stdout: content.trimEnd() },
    what: `${move.name} is released to ${move.to.guest}`,
  };
  return {
    id: `release ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `Release ${move.name} to ${move.to.guest}`,
    why: `Until this file is in the share, the units on ${move.to.guest} refuse to start. It is written only while the source is stopped, fenced and quiet, the data is proven, and ${move.to.guest} sees the marker.`,
    needs: [`snapshot ${move.name}`],
    probe: [there],
    operations: [
      {
        kind: 'write',
        host: share.node,
        path,
        content,
        mode: '0644',
        owner: { uid: 0, gid: 0 },
        guards: [
          ...context.guards,
          notReleased(context),
          ...fenced.proof,
          ...stopped.proof,
          {
            kind: 'run',
            host: move.to.guest,
            argv: ['cat', shareLayout(share.mount).marker],
            expect: { exitCode: 0, stdout: context.markerText.trimEnd() },
            what: `${move.to.guest} sees the marker through virtiofs`,
          },
        ],
        what: 'write the release',
      },
    ],
    proof: [there],
    undo: [],
    irreversible: `From here on ${move.to.guest} writes. Going back means carrying back what it wrote, or discarding it.`,
  };
}

/** Starts on the target what ran on the source, and gives containers their restart policy. */
export function startStep(context: MoveContext): Step {
  const { move } = context;
  const host = move.to.guest;
  const operations: Operation[] = [];
  const running: Check[] = [];
  for (const owner of byOwner(context)) {
    const as = (argv: string[]) => asUserOf(context, 'target', owner.user, argv);
    const of = owner.user === undefined ? '' : ` of ${owner.user}`;
    const units = owner.units.filter((unit) => unit.active).map((unit) => unit.name);
    const timers = owner.units.flatMap((unit) =>
      unit.timers.filter((timer) => timer.active).map((timer) => timer.name),
    );
    const start = [...units, ...timers];
    if (start.length > 0) {
      operations.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'start', ...start)),
        timeoutSeconds: 300,
        what: `start ${start.join(', ')}${of}`,
      });
      running.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'is-active', ...start)),
        expect: { exitCode: 0, stdout: start.map(() => 'active').join('\n') },
        within: 60,
        what: `${start.join(', ')}${of} are active`,
      });
    }
    const containers = owner.containers.filter((container) => container.running);
    if (containers.length > 0) {
      const names = containers.map((container) => container.name);
      operations.push({
        kind: 'run',
        host,
        argv: as(['podman', 'start', ...names]),
        timeoutSeconds: 300,
        what: `start ${names.join(', ')}${of}`,
      });
      running.push({
        kind: 'run',
        host,
        argv: as(['podman', 'container', 'inspect', '--format', '{{.State.Running}}', ...names]),
        expect: { exitCode: 0, stdout: names.map(() => 'true').join('\n') },
        within: 60,
        what: `${names.join(', ')}${of} run`,
      });
    }
  }
  return {
    id: `start ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'cutover',
    title: `Start ${workloadList(context)} on ${host}`,
    why: 'What ran before runs again, on the share. The downtime ends here.',
    needs: [`release ${move.name}`],
    probe: running,
    operations,
    proof: running,
    undo: [],
  };
}

/** Restart policies on the target, after the start: off the clock. */
export function restartPolicyStep(context: MoveContext): Step | undefined {
  const { move } = context;
  const host = move.to.guest;
  const operations: Operation[] = [];
  const inPlace: Check[] = [];
  for (const owner of byOwner(context)) {
    const as = (argv: string[]) => asUserOf(context, 'target', owner.user, argv);
    for (const container of restarted(owner.containers)) {
      operations.push({
        kind: 'run',
        host,
        argv: as(['podman', 'update', '--restart', container.restartPolicy, container.name]),
        what: `${container.name} has restart policy ${container.restartPolicy}`,
      });
      inPlace.push({
        kind: 'run',
        host,
        argv: as([
          'podman',
          'container',
          'inspect',
          '--format',
          '{{.HostConfig.RestartPolicy.Name}}',
          container.name,
        ]),
        expect: { exitCode: 0, stdout: container.restartPolicy.split(':')[0] as string },
        what: `${container.name} has its restart policy`,
      });
    }
    if (restarted(owner.containers).length > 0) {
      operations.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'enable', 'podman-restart.service')),
        what: 'podman-restart.service starts them after a reboot',
      });
      inPlace.push({
        kind: 'run',
        host,
        argv: as(systemctl(owner.user, 'is-enabled', 'podman-restart.service')),
        expect: { exitCode: 0, stdout: 'enabled' },
        what: 'podman-restart.service is enabled',
      });
    }
  }
  if (operations.length === 0) return undefined;
  return {
    id: `restart-policy ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prove',
    title: `Restart policies on ${host}, as they were`,
    why: `A reboot of ${host} brings the containers back, as it did on ${move.from.guest}.`,
    needs: [`start ${move.name}`],
    probe: inPlace,
    operations,
    proof: inPlace,
    undo: [],
  };
}

/** No process of the source guest holds a file below the path. */
export function quiet(context: MoveContext): Check {
  const { move } = context;
  return {
    kind: 'quiet',
    host: move.from.guest,
    path: move.from.path,
    what: `no process on ${move.from.guest} has a file below ${move.from.path} open`,
  };
}
