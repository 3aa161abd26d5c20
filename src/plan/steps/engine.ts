import type { ContainerFindings } from '../../inspect/findings.ts';
import type { Check, Operation } from '../operation.ts';

export type Engine = ContainerFindings['engine'];

/** One command, and the names that it is about. */
interface Command {
  readonly argv: string[];
  readonly names: readonly string[];
}

const names = (containers: readonly ContainerFindings[]) => containers.map(({ name }) => name);

/** Filters of `ps` that match exactly these names; docker matches them with and without a slash before. */
function named(engine: Engine, wanted: readonly string[]): string[] {
  const slash = engine === 'docker' ? '/?' : '';
  return wanted.flatMap((name) => ['--filter', `name=^${slash}${name.replaceAll('.', '\\.')}$`]);
}

/** `docker compose down`, in the unit that runs its project, removes a container: then there is nothing to do to it. */
export function mayBeGone(container: ContainerFindings): boolean {
  return container.composeUnit !== undefined;
}

/**
 * Containers in groups, each of which needs only those before it. What needs something outside of the list, or itself in
 * a circle, comes in its turn all the same.
 */
export function inOrder(containers: readonly ContainerFindings[]): ContainerFindings[][] {
  const groups: ContainerFindings[][] = [];
  let left = [...containers];
  while (left.length > 0) {
    const waiting = new Set(names(left));
    const ready = left.filter(
      ({ name, needs = [] }) => !needs.some((need) => need !== name && waiting.has(need)),
    );
    const group = ready.length > 0 ? ready : left;
    groups.push(group);
    left = left.filter((container) => !group.includes(container));
  }
  return groups;
}

/** Stops them, what needs others first; each waits as long as its container asks for. */
export function stopCommands(engine: Engine, containers: readonly ContainerFindings[]): Command[] {
  return inOrder(containers)
    .toReversed()
    .map((group) => ({
      names: names(group),
      argv: group.some(mayBeGone) ? stopIfThere(engine, group) : [engine, 'stop', ...names(group)],
    }));
}

/** The same, on a machine where it is not known whether they are there. */
export function stopIfThereCommands(engine: Engine, containers: readonly ContainerFindings[]): Command[] {
  return inOrder(containers)
    .toReversed()
    .map((group) => ({ names: names(group), argv: stopIfThere(engine, group) }));
}

function stopIfThere(engine: Engine, group: readonly ContainerFindings[]): string[] {
  const script = 'ids=$("$@") && { test -z "$ids" || "$1" stop $ids; }';
  return ['sh', '-c', script, 'sh', ...running(engine, names(group))];
}

/** Starts them, what others need first. What its compose project's unit starts is not among them. */
export function startCommands(engine: Engine, containers: readonly ContainerFindings[]): Command[] {
  const own = containers.filter((container) => !mayBeGone(container));
  return inOrder(own).map((group) => ({
    names: names(group),
    argv: [engine, 'start', ...names(group)],
  }));
}

/** Prints the ids of those that run. */
export function running(engine: Engine, wanted: readonly string[]): string[] {
  return [engine, 'ps', '--quiet', ...named(engine, wanted)];
}

/** None of them runs, on a machine where they are. */
export function stoppedChecks(
  engine: Engine,
  containers: readonly ContainerFindings[],
): Pick<Extract<Check, { kind: 'run' }>, 'argv' | 'expect'> {
  const all = names(containers);
  return containers.some(mayBeGone)
    ? { argv: running(engine, all), expect: { exitCode: 0, stdout: '' } }
    : {
        argv: [engine, 'container', 'inspect', '--format', '{{.State.Running}}', ...all],
        expect: { exitCode: 0, stdout: all.map(() => 'false').join('\n') },
      };
}

/** Sets a restart policy; where the container may be gone, only if it is there. */
export function setPolicy(container: ContainerFindings, policy: string, always = false): string[] {
  const { engine, name } = container;
  return always || !mayBeGone(container)
    ? [engine, 'update', '--restart', policy, name]
    : ifThere(container, '"$@"', [engine, 'update', '--restart', policy, name]);
}

/** Its restart policy is this one, or it is not there and cannot start. */
export function policyCheck(
  container: ContainerFindings,
  policy: string,
): Pick<Extract<Check, { kind: 'run' }>, 'argv' | 'expect'> {
  const { engine, name } = container;
  const inspect = [engine, 'container', 'inspect', '--format', '{{.HostConfig.RestartPolicy.Name}}', name];
  return mayBeGone(container)
    ? { argv: policyIfThere(container, policy), expect: { exitCode: 0 } }
    : { argv: inspect, expect: { exitCode: 0, stdout: policy } };
}

/** Exit code 0: the container has this policy, or is not there. An engine that does not answer is neither. */
export function policyIfThere(container: ContainerFindings, policy: string): string[] {
  const { engine, name } = container;
  const format = '{{.HostConfig.RestartPolicy.Name}}';
  return ifThere(container, 'wanted=$1; shift; test "$("$@")" = "$wanted"', [
    policy,
    ...[engine, 'container', 'inspect', '--format', format, name],
  ]);
}

/** Exit code 0: no container of this name. */
export function notThere({ engine, name }: ContainerFindings): string[] {
  return [
    'sh',
    '-c',
    'ids=$("$@") && test -z "$ids"',
    'sh',
    engine,
    'ps',
    '--all',
    '--quiet',
    ...named(engine, [name]),
  ];
}

/** Runs `then` with the words, when a container of this name exists. */
function ifThere({ engine, name }: ContainerFindings, then: string, words: readonly string[]): string[] {
  const [filter, value] = named(engine, [name]) as [string, string];
  const script = `engine=$1 filter=$2; shift 2; ids=$("$engine" ps --all --quiet ${filter} "$filter") && { test -z "$ids" || { ${then}; }; }`;
  return ['sh', '-c', script, 'sh', engine, value, ...words];
}

/** The same as `setPolicy`, on a machine where it is not known whether the container is there. */
export function setPolicyIfThere(container: ContainerFindings, policy: string): string[] {
  const { engine, name } = container;
  return ifThere(container, '"$@"', [engine, 'update', '--restart', policy, name]);
}

/** Seconds for a command that stops containers: as long as they ask for, and a minute. */
export function stopLimit(containers: readonly ContainerFindings[]): number {
  return 60 + containers.reduce((sum, container) => sum + container.stopTimeoutSeconds, 0);
}

/** Operations from commands, one for each group. */
export function asOperations(
  host: string,
  commands: readonly Command[],
  as: (argv: string[]) => string[],
  more: { readonly timeoutSeconds: number; readonly guards?: Check[]; what(names: string): string },
): Operation[] {
  return commands.map(({ argv, names }) => ({
    kind: 'run',
    host,
    argv: as(argv),
    timeoutSeconds: more.timeoutSeconds,
    ...(more.guards === undefined ? {} : { guards: more.guards }),
    what: more.what(names.join(', ')),
  }));
}
