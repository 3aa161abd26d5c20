import { type Answer, probe } from '../guest/probe.ts';
import type { Host } from '../ssh/host.ts';
import { type KubeFile, parseKube } from '../workloads/kube.ts';
import { parseQuadlet } from '../workloads/quadlet.ts';
import type { ContainerFindings, NotSeen } from './findings.ts';
import { type ManagerAnswers, quadletContext } from './guest-workloads.ts';

/** A container that a unit plays from a Kubernetes file. */
interface KubeOwner {
  readonly user?: string;
  readonly unit: string;
  readonly containers: readonly string[];
}

/** Reads the Kubernetes files that quadlets play: what they say by quadlet, and whose containers they make. */
export async function readKube(
  host: Host,
  managers: readonly ManagerAnswers[],
  definitions: ReadonlyMap<string, string>,
  movedPaths: readonly string[],
  notSeen: NotSeen[],
): Promise<{ files: ReadonlyMap<string, KubeFile>; owners: readonly KubeOwner[] }> {
  const played = managers.flatMap((manager) =>
    manager.quadletFiles.flatMap((file) => {
      const text = definitions.get(file);
      if (text === undefined) return [];
      const { kubeFile, unit } = parseQuadlet(text, quadletContext(manager, file, movedPaths));
      return kubeFile === undefined ? [] : [{ file, kubeFile, unit, user: manager.user?.name }];
    }),
  );
  const answers: Readonly<Record<string, Answer>> = await probe(
    host,
    Object.fromEntries(played.map(({ kubeFile }) => [kubeFile, ['cat', kubeFile]])),
  );
  const files = new Map<string, KubeFile>();
  const owners: KubeOwner[] = [];
  for (const { file, kubeFile, unit, user } of played) {
    const answer = answers[kubeFile] as Answer;
    const found = answer.exitCode === 0 ? parseKube(answer.stdout) : undefined;
    if (found === undefined) {
      notSeen.push({
        subject: `guest ${host.name}`,
        what: `Kubernetes file of ${unit}`,
        seen: answer.stderr.split('\n')[0] || 'it is not YAML',
        next: `cat ${kubeFile}   # as root on ${host.name}`,
      });
      continue;
    }
    files.set(file, found);
    owners.push({ ...(user === undefined ? {} : { user }), unit, containers: found.containers });
  }
  return { files, owners };
}

/** Containers with the unit that plays them: stopping it removes them, whatever their restart policy is. */
export function ownedByKube(
  containers: readonly ContainerFindings[],
  owners: readonly KubeOwner[],
): ContainerFindings[] {
  return containers.map((container) => {
    const owner = owners.find(
      ({ user, containers: names }) => user === container.user && names.includes(container.name),
    );
    return owner === undefined || container.engine !== 'podman'
      ? container
      : { ...container, unit: owner.unit, played: true as const };
  });
}
