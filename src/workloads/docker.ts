import { z } from 'zod';
import type { ContainerFindings } from '../inspect/findings.ts';
import { composeOf, dependsOn } from './compose.ts';
import { optional, parseJson, restartPolicy, withNeeds } from './podman.ts';

/** What is read of `docker container inspect` (Engine API 1.40 and later). */
const inspectSchema = z.array(
  z.object({
    Id: z.string().min(1),
    Name: z.string().min(1),
    Image: z.string(),
    State: z.object({ Running: z.boolean() }),
    Mounts: z
      .array(z.object({ Type: z.string(), Source: z.string().default(''), Name: z.string().default('') }))
      .default([]),
    Config: z.object({
      Image: z.string(),
      Labels: z.record(z.string(), z.string()).nullable().default(null),
      StopTimeout: z.number().nullable().optional(),
    }),
    HostConfig: z.object({
      RestartPolicy: z.object({ Name: z.string(), MaximumRetryCount: z.number().default(0) }),
      AutoRemove: z.boolean().default(false),
      NetworkMode: z.string().default(''),
    }),
  }),
);

/** Seconds before docker kills what it stops, where the container does not say (`docker stop --help`). */
const defaultStopTimeoutSeconds = 10;

/**
 * Reads `docker container inspect ID...`. Docker does not keep the command that made a container, so `create` is absent.
 * @throws `workloads/unknown-shape`
 */
export function parseDockerInspect(text: string): ContainerFindings[] {
  const all = parseJson('docker container inspect', inspectSchema, text);
  const found = all.map((container) => ({
    engine: 'docker' as const,
    name: container.Name.replace(/^\//, ''),
    id: container.Id,
    running: container.State.Running,
    image: container.Config.Image,
    imageId: container.Image,
    restartPolicy: restartPolicy(container.HostConfig.RestartPolicy),
    bindSources: [
      ...new Set(container.Mounts.filter((mount) => mount.Type === 'bind').map((mount) => mount.Source)),
    ],
    stopTimeoutSeconds: container.Config.StopTimeout ?? defaultStopTimeoutSeconds,
    ...volumesOf(container),
    ...optional('compose', composeOf(container.Config.Labels)),
    ...optional('cannotFence', cannotFence(container)),
  }));
  return withNeeds(
    found,
    new Map(
      all.map(({ Id, Config, HostConfig }) => [
        Id,
        {
          // Docker resolves the name that was typed to an id.
          ids: /^container:(.+)$/.exec(HostConfig.NetworkMode)?.slice(1) ?? [],
          services: dependsOn(Config.Labels),
        },
      ]),
    ),
  );
}

function volumesOf({ Mounts }: z.infer<typeof inspectSchema>[number]) {
  const volumes = Mounts.filter((mount) => mount.Type === 'volume').map(({ Name, Source }) => Name || Source);
  return volumes.length === 0 ? {} : { volumes };
}

function cannotFence({ Config, HostConfig }: z.infer<typeof inspectSchema>[number]): string | undefined {
  if (HostConfig.AutoRemove) return 'is removed when it stops (--rm): it could not be started again';
  if (Config.Labels?.['com.docker.swarm.service.name'] !== undefined)
    return `is a task of the swarm service ${Config.Labels['com.docker.swarm.service.name']}: swarm makes a new one when it stops`;
  return undefined;
}
