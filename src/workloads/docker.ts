import { z } from 'zod';
import type { ContainerFindings } from '../inspect/findings.ts';
import { optional, parseJson, restartPolicy } from './podman.ts';

/** What is read of `docker container inspect` (Engine API 1.40 and later). */
const inspectSchema = z.array(
  z.object({
    Id: z.string().min(1),
    Name: z.string().min(1),
    Image: z.string(),
    State: z.object({ Running: z.boolean() }),
    Mounts: z.array(z.object({ Type: z.string(), Source: z.string().default('') })).default([]),
    Config: z.object({
      Image: z.string(),
      Labels: z.record(z.string(), z.string()).nullable().default(null),
      StopTimeout: z.number().nullable().optional(),
    }),
    HostConfig: z.object({
      RestartPolicy: z.object({ Name: z.string(), MaximumRetryCount: z.number().default(0) }),
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
  return parseJson('docker container inspect', inspectSchema, text).map((container) => ({
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
    ...optional('composeProject', container.Config.Labels?.['com.docker.compose.project']),
  }));
}
