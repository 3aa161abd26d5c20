import { z } from 'zod';
import type { ContainerFindings, CreateCommand } from '../inspect/findings.ts';
import { composeOf, dependsOn } from './compose.ts';
import { parseCreateCommand, splitOnce } from './create-command.ts';
import { workloadError } from './errors.ts';

/** Never lists what an answer held: `podman inspect` shows values of environment variables. */
export function parseJson<T>(program: string, schema: z.ZodType<T>, text: string): T {
  const wrong = (what: string, cause?: unknown) =>
    workloadError('workloads/unknown-shape', {
      seen: `${program}: ${what}`,
      next: [`${program}   # on that machine: does it print JSON?`, 'podman --version'],
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong('what it printed is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw wrong(
      parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the answer'}: ${issue.code}`).join(', '),
    );
  }
  return parsed.data;
}

const mountSchema = z.object({
  Type: z.string(),
  Source: z.string().default(''),
  Name: z.string().optional(),
});

/** What is read of `podman container inspect`; podman 4.3 to 5 agree on it. */
const inspectSchema = z.array(
  z.object({
    Id: z.string().min(1),
    Name: z.string().min(1),
    Image: z.string(),
    ImageName: z.string(),
    IsInfra: z.boolean().default(false),
    StaticDir: z.string().default(''),
    State: z.object({ Running: z.boolean() }),
    Dependencies: z.array(z.string()).nullable().default(null),
    Mounts: z.array(mountSchema).nullable().default([]),
    Config: z.object({
      Labels: z.record(z.string(), z.string()).nullable().default(null),
      CreateCommand: z.array(z.string()).nullable().optional(),
      Env: z.array(z.string()).nullable().default([]),
      StopTimeout: z.number(),
    }),
    HostConfig: z.object({
      RestartPolicy: z.object({ Name: z.string(), MaximumRetryCount: z.number().default(0) }),
    }),
  }),
);

/** Whose containers they are, and what moves. */
export interface ContainerContext {
  /** undefined: root. */
  readonly user?: string;
  readonly movedPaths: readonly string[];
}

/**
 * Reads `podman container inspect ID...`. Infra containers of pods are left out.
 * @throws `workloads/unknown-shape`
 */
export function parsePodmanInspect(text: string, context: ContainerContext): ContainerFindings[] {
  const all = parseJson('podman container inspect', inspectSchema, text);
  const found = all
    .filter((container) => !container.IsInfra)
    .map((container) => {
      const mounts = container.Mounts ?? [];
      const labels = container.Config.Labels ?? {};
      const create = createOf(container, context);
      return {
        engine: 'podman' as const,
        name: container.Name,
        id: container.Id,
        ...optional('user', context.user),
        running: container.State.Running,
        image: container.ImageName,
        imageId: container.Image,
        restartPolicy: restartPolicy(container.HostConfig.RestartPolicy),
        bindSources: [
          ...new Set(mounts.filter((mount) => mount.Type === 'bind').map((mount) => mount.Source)),
        ],
        stopTimeoutSeconds: container.Config.StopTimeout,
        ...optional('unit', labels.PODMAN_SYSTEMD_UNIT),
        ...optional('compose', composeOf(labels)),
        ...optional('create', create),
      };
    });
  return withNeeds(
    found,
    new Map(
      all.map(({ Id, Dependencies, Config }) => [
        Id,
        { ids: Dependencies ?? [], services: dependsOn(Config.Labels) },
      ]),
    ),
  );
}

/**
 * Adds the names of what each container needs.
 * @param needs by container id: ids of containers, and services of its own compose project
 */
export function withNeeds(
  containers: readonly ContainerFindings[],
  needs: ReadonlyMap<string, { readonly ids: readonly string[]; readonly services: readonly string[] }>,
): ContainerFindings[] {
  return containers.map((container) => {
    const { ids, services } = needs.get(container.id) ?? { ids: [], services: [] };
    const needed = containers.filter(
      (other) =>
        ids.includes(other.id) ||
        (other.compose !== undefined &&
          other.compose.project === container.compose?.project &&
          services.includes(other.compose.service)),
    );
    return needed.length === 0 ? container : { ...container, needs: needed.map(({ name }) => name).sort() };
  });
}

const volumesSchema = z.array(
  z.object({ Name: z.string().min(1), Options: z.record(z.string(), z.string()).nullable().default(null) }),
);

/**
 * Reads `podman volume inspect NAME...` and `docker volume inspect NAME...`: the path that a volume binds by its driver
 * options (`type=none`, `o=bind`, `device=/mnt/docker/web`; podman-volume-create(1)), by the volume's name.
 * @throws `workloads/unknown-shape`
 */
export function parseVolumeDevices(text: string): Map<string, string> {
  return new Map(
    parseJson('podman volume inspect', volumesSchema, text).flatMap((volume) => {
      const device = volume.Options?.device;
      return device?.startsWith('/') ? [[volume.Name, device] as const] : [];
    }),
  );
}

const mountsSchema = z.array(
  z.object({ Id: z.string(), Mounts: z.array(mountSchema).nullable().default([]) }),
);

/** Names of the volumes of each container, by its id, from `podman` or `docker container inspect`. */
export function volumesOf(text: string): Map<string, string[]> {
  return new Map(
    parseJson('podman container inspect', mountsSchema, text).map(({ Id, Mounts }) => [
      Id,
      (Mounts ?? []).flatMap(({ Type, Name }) => (Type === 'volume' && Name !== undefined ? [Name] : [])),
    ]),
  );
}

/**
 * Root of the image store, from where podman keeps a container: `<graphRoot>/overlay-containers/<id>/userdata`. Asking
 * `podman info` for it would take a second of its own. undefined without containers.
 */
export function graphRootOf(text: string): string | undefined {
  for (const container of parseJson('podman container inspect', inspectSchema, text)) {
    const root = /^(\/.+)\/[a-z]+-containers\/[0-9a-f]+\/userdata$/.exec(container.StaticDir)?.[1];
    if (root !== undefined) return root;
  }
  return undefined;
}

/** The create command, with what only the container itself shows: volumes of its image, and variables that came to nothing. */
function createOf(
  container: z.infer<typeof inspectSchema>[number],
  context: ContainerContext,
): CreateCommand | undefined {
  if (container.Config.CreateCommand == null) return undefined;
  const create = parseCreateCommand(container.Config.CreateCommand, {
    image: container.ImageName,
    movedPaths: context.movedPaths,
  });
  const variables = new Map((container.Config.Env ?? []).map((entry) => splitOnce(entry, '=')));
  const environment = create.environment.filter((name) => variables.has(name));
  const volume = (container.Mounts ?? []).find((mount) => mount.Type === 'volume');
  const why = [create.cannotCarry];
  if (volume !== undefined && create.cannotCarry?.includes('volume') !== true) {
    why.push(`keeps data in the podman volume ${volume.Name ?? volume.Source}`);
  }
  const broken = environment.find((name) => variables.get(name)?.includes('\n'));
  if (broken !== undefined)
    why.push(`its variable ${broken} has a line break, which an env file cannot hold`);
  const cannotCarry = why.filter((reason) => reason !== undefined).join('; ');
  return { ...create, environment, ...optional('cannotCarry', cannotCarry) };
}

/** `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:3`; podman says nothing for `no`. */
export function restartPolicy(policy: { Name: string; MaximumRetryCount: number }): string {
  const name = policy.Name === '' ? 'no' : policy.Name;
  return name === 'on-failure' && policy.MaximumRetryCount > 0 ? `${name}:${policy.MaximumRetryCount}` : name;
}

const imagesSchema = z.array(z.object({ Id: z.string(), Names: z.array(z.string()).nullable().optional() }));

/** Reads `podman images --format json`: one entry for each name that an image carries. */
export function parsePodmanImages(
  text: string,
  user?: string,
): { name: string; id: string; user?: string }[] {
  // podman prints nothing at all, or `null`, for an empty store in some versions.
  const body = text.trim() === '' || text.trim() === 'null' ? '[]' : text;
  const images = parseJson('podman images --format json', imagesSchema, body);
  // podman shows an image once for each of its names, each time with all of them.
  const named = new Map(
    images.flatMap((image) => (image.Names ?? []).map((name) => [name, image.Id] as const)),
  );
  return [...named].map(([name, id]) => ({ name, id, ...optional('user', user) }));
}

/** A key only where there is a value: `exactOptionalPropertyTypes` and readable JSON want it so. */
export function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined || value === '' ? {} : ({ [key]: value } as Record<K, V>);
}
