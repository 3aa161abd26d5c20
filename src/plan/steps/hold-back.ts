import type { ContainerFindings } from '../../inspect/findings.ts';
import type { MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { moveLayout } from '../share-layout.ts';
import { asUserOf } from './as-owner.ts';
import { setPolicy } from './engine.ts';
import { restarted } from './workload-names.ts';

/**
 * Containers that the target has, or compose has made, have a restart policy of their own. It is taken from them until
 * the hand-over: a boot of the target must not start them beside the source's.
 */
export function holdBack(context: MoveContext): { operations: Operation[]; checks: Check[] } {
  const { move } = context;
  return holding(
    context,
    restarted(context.containers).filter(
      ({ engine, composeUnit }) =>
        composeUnit === undefined && (engine === 'docker' || move.definitions === 'present'),
    ),
  );
}

/** The same for those that are there before the target gets the share: its first boot with it would start them. */
export function holdBackStep(context: MoveContext): Step | undefined {
  const { move, targetGuest } = context;
  const there = restarted(context.containers).filter(({ engine, user, name }) =>
    restarted(targetGuest.system.containers).some(
      (other) => other.engine === engine && other.user === user && other.name === name,
    ),
  );
  if (there.length === 0) return undefined;
  const { operations, checks } = holding(context, there);
  return {
    id: `hold-back ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `${there.map(({ name }) => name).join(', ')} on ${move.to.guest} start only when they are told to`,
    why: `${move.to.guest} has them already. With their restart policies they would start on its first boot with the share, beside those on ${move.from.guest}.`,
    needs: [`place ${move.name}`],
    probe: checks,
    operations,
    proof: checks,
    undo: [],
  };
}

function holding(context: MoveContext, held: readonly ContainerFindings[]) {
  const { move, share } = context;
  const host = move.to.guest;
  const { handedOver } = moveLayout(share.mount, move.name);
  const format = '{{.HostConfig.RestartPolicy.Name}}';
  return {
    operations: held.map(
      (container): Operation => ({
        kind: 'run',
        host,
        argv: asUserOf(context, 'target', container.user, setPolicy(container, 'no', true)),
        what: `${container.name} is not started by itself before the release`,
      }),
    ),
    checks: held.map(
      (container): Check => ({
        kind: 'run',
        host,
        argv: asUserOf(context, 'target', container.user, [
          ...['sh', '-c', 'noted=$1; shift; test -e "$noted" || test "$("$@")" = no', 'sh', handedOver],
          ...[container.engine, 'container', 'inspect', '--format', format, container.name],
        ]),
        expect: { exitCode: 0 },
        what: `${container.name} is not started by itself on ${host} before the release`,
      }),
    ),
  };
}
