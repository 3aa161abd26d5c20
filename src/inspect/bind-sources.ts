import { type Answer, probe } from '../guest/probe.ts';
import type { Host } from '../ssh/host.ts';
import { parseVolumeDevices, volumesOf } from '../workloads/podman.ts';
import type { ContainerFindings, MountFindings, NotSeen } from './findings.ts';
import { asManager, type Manager, type ManagerAnswers } from './guest-workloads.ts';
import { readRealPaths, touches, withRealPaths } from './real-paths.ts';

interface BindSourcesQuestion {
  readonly containers: readonly ContainerFindings[];
  readonly managers: readonly ManagerAnswers[];
  /** What `podman container inspect` printed for a manager; empty: it was not asked. */
  readonly inspect: (manager: ManagerAnswers) => string;
  /** What `docker container inspect` printed. */
  readonly docker: string;
  readonly movedPaths: readonly string[];
  readonly mounts: readonly MountFindings[];
}

/** Adds to the bind sources of containers what reaches a moved path through a volume's device, or a symbolic link. */
export async function readBindSources(
  host: Host,
  question: BindSourcesQuestion,
): Promise<{ containers: ContainerFindings[]; notSeen: NotSeen[] }> {
  const notSeen: NotSeen[] = [];
  const docker: Manager = { answers: true, store: false };
  const told: { manager: Manager; text: string; engine: string }[] = [
    ...question.managers.map((manager) => ({ manager, text: question.inspect(manager), engine: 'podman' })),
    { manager: docker, text: question.docker, engine: 'docker' },
  ];
  const stores = told.flatMap(({ manager, text, engine }) => {
    if (text.trim() === '') return [];
    const volumes = volumesOf(text);
    const names = [...new Set([...volumes.values()].flat())];
    const argv = asManager(manager, [engine, 'volume', 'inspect', ...names]);
    return names.length === 0 ? [] : [{ volumes, argv, key: `${engine}:${manager.user?.name ?? ''}` }];
  });
  const answers: Readonly<Record<string, Answer>> = await probe<string>(
    host,
    Object.fromEntries(stores.map(({ key, argv }) => [key, argv])),
  );
  const devices = new Map<string, string[]>();
  for (const { volumes, argv, key } of stores) {
    const answer = answers[key] as Answer;
    // A volume that went away meanwhile makes podman fail and still print the others.
    if (answer.stdout.trim() === '') {
      notSeen.push({
        subject: `guest ${host.name}`,
        what: 'volumes of containers',
        seen: answer.stderr.split('\n')[0] || `exit code ${answer.exitCode}`,
        next: `${argv.join(' ')}   # as root on ${host.name}`,
      });
      continue;
    }
    const bound = parseVolumeDevices(answer.stdout);
    for (const [id, names] of volumes)
      devices.set(
        id,
        names.flatMap((name) => bound.get(name) ?? []),
      );
  }
  const real = await readRealPaths(
    host,
    [...question.containers.flatMap((container) => container.bindSources), ...[...devices.values()].flat()],
    question.mounts,
  );
  const containers = question.containers.map((container) => {
    const bound = withRealPaths(devices.get(container.id) ?? [], real, question.movedPaths);
    return {
      ...container,
      bindSources: [
        ...new Set([
          ...withRealPaths(container.bindSources, real, question.movedPaths),
          ...bound.filter((path) => touches(path, question.movedPaths)),
        ]),
      ],
    };
  });
  return { containers, notSeen };
}
