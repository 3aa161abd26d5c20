import { homedir } from 'node:os';
import { dirname, isAbsolute, join, posix, resolve } from 'node:path';
import type { z } from 'zod';
import type {
  ClusterAccess,
  Config,
  GuestConfig,
  GuestWish,
  MoveConfig,
  NodeConfig,
  NotifyConfig,
  PhaseConfig,
  ShareConfig,
  TofuConfig,
} from './config.ts';
import type { CreateConfig } from './create-schema.ts';
import type { configSchema } from './schema.ts';

type Parsed = z.output<typeof configSchema>;

/** Name of the phase that a file without phases has. */
const onlyPhase = 'main';

/**
 * Fills in every default that depends on another key. Trusts nothing about references: a move of an unknown share
 * still gets its place, and `check` tells of the share.
 */
export function normalise(parsed: Parsed, file: string, env: NodeJS.ProcessEnv): Config {
  const phases: readonly PhaseConfig[] = parsed.phases?.map(({ after, ...phase }) => ({
    ...phase,
    ...(after !== undefined && { after }),
  })) ?? [{ name: onlyPhase, moves: Object.keys(parsed.moves) }];
  const shares = record(Object.entries(parsed.shares), (name, share) => normaliseShare(name, share, parsed));
  return {
    file,
    cluster: normaliseCluster(parsed.cluster, file, env),
    ssh: parsed.ssh.config === undefined ? {} : { config: localPath(parsed.ssh.config, file, env) },
    nodes: record(
      Object.entries(parsed.nodes),
      (name, node): NodeConfig => ({
        name,
        ssh: node.ssh,
        sshFromNode: node.sshFromNode ?? node.ssh,
      }),
    ),
    guests: record(
      Object.entries(parsed.guests).flatMap(([name, { vmid, ssh, ...guest }]) =>
        vmid === undefined || ssh === undefined ? [] : [[name, { ...guest, vmid, ssh }] as const],
      ),
      (name, guest): GuestConfig => ({
        name,
        vmid: guest.vmid,
        ssh: guest.ssh,
        sudo: guest.sudo,
        sshFromNode: guest.sshFromNode ?? guest.ssh,
      }),
    ),
    wishes: record(
      Object.entries(parsed.guests).flatMap(([name, { create, ...guest }]) =>
        create === undefined ? [] : [[name, { ...guest, create }] as const],
      ),
      (name, { vmid, ssh, create }): GuestWish => ({
        name,
        ...(vmid === undefined ? {} : { vmid }),
        ...(ssh === undefined ? {} : { ssh }),
        create: withLocalPaths(create, file, env),
      }),
    ),
    shares,
    moves: record(Object.entries(parsed.moves), (name, move): MoveConfig => {
      const as = move.to.as ?? move.from.guest;
      const top = shares[move.to.share]?.path ?? '/';
      return {
        name,
        phase: phases.find((phase) => phase.moves.includes(name))?.name ?? '',
        from: move.from,
        to: { share: move.to.share, guest: move.to.guest, as, path: as === '.' ? top : posix.join(top, as) },
        definitions: move.definitions,
        ignore: move.workloads.ignore,
        alsoUnits: move.workloads.alsoUnits,
        exclude: move.exclude,
        databases: record(Object.entries(move.databases), (_path, choice) => choice),
        maxDelete: move.maxDelete,
        copy: move.copy,
      };
    }),
    phases,
    finalize: parsed.finalize,
    ...(parsed.notify !== undefined && { notify: normaliseNotify(parsed.notify, file, env) }),
    ...(parsed.metrics !== undefined && { metrics: { file: localPath(parsed.metrics.file, file, env) } }),
    ...(parsed.tofu !== undefined && { tofu: normaliseTofu(parsed.tofu, file, env) }),
    ...(parsed.hosts !== undefined && { hosts: { file: localPath(parsed.hosts.file, file, env) } }),
  };
}

function withLocalPaths(create: CreateConfig, file: string, env: NodeJS.ProcessEnv): CreateConfig {
  const { cloudInit } = create;
  if (cloudInit?.sshKeyFile === undefined) return create;
  return { ...create, cloudInit: { ...cloudInit, sshKeyFile: localPath(cloudInit.sshKeyFile, file, env) } };
}

/** Without an address, `check` tells of it. */
function normaliseNotify(
  notify: NonNullable<Parsed['notify']>,
  file: string,
  env: NodeJS.ProcessEnv,
): NotifyConfig {
  return {
    kind: notify.kind,
    url: notify.url ?? env.DRAYAGE_NOTIFY_URL ?? '',
    ...(notify.tokenFile !== undefined && { tokenFile: localPath(notify.tokenFile, file, env) }),
    stalledMinutes: notify.stalledMinutes,
  };
}

function normaliseTofu(tofu: NonNullable<Parsed['tofu']>, file: string, env: NodeJS.ProcessEnv): TofuConfig {
  const { binary } = tofu;
  return {
    folder: localPath(tofu.folder, file, env),
    // A bare name is looked up on the PATH.
    ...(binary !== undefined && { binary: binary.includes('/') ? localPath(binary, file, env) : binary }),
    provider: tofu.provider,
    providerFile: tofu.providerFile,
  };
}

function normaliseCluster(cluster: Parsed['cluster'], file: string, env: NodeJS.ProcessEnv): ClusterAccess {
  const endpoint = cluster.endpoint ?? (env.PROXMOX_VE_ENDPOINT || undefined);
  return {
    ...(endpoint !== undefined && {
      endpoint:
        endpoint.startsWith('https://') && URL.canParse(endpoint) ? new URL(endpoint).origin : endpoint,
    }),
    ...(cluster.fingerprint !== undefined && { fingerprint: cluster.fingerprint.toUpperCase() }),
    ...(cluster.ca !== undefined && { ca: localPath(cluster.ca, file, env) }),
    ...(cluster.tokenFile !== undefined && { tokenFile: localPath(cluster.tokenFile, file, env) }),
  };
}

function normaliseShare(name: string, share: Parsed['shares'][string], parsed: Parsed): ShareConfig {
  const [uid, gid] = share.owner.split(':').map(Number) as [number, number];
  const mapping = share.mapping ?? name;
  const takesTop = Object.values(parsed.moves).find((move) => move.to.share === name && move.to.as === '.');
  return {
    name,
    node: share.node,
    dataset: share.dataset,
    pool: share.dataset.slice(0, share.dataset.indexOf('/')),
    path: share.path ?? `/${share.dataset}`,
    ...(share.recordsize !== undefined && { recordsize: share.recordsize }),
    mapping,
    owner: { uid, gid },
    mode: share.mode.padStart(4, '0').slice(-4),
    mount: share.mount ?? takesTop?.from.path ?? `/mnt/${mapping}`,
    cache: share.cache,
    maintenance: record(Object.entries(share.maintenance), (node, { dataset, path, ...rest }) => ({
      node,
      ...(dataset !== undefined && { dataset }),
      path: path ?? `/${dataset}`,
      ...rest,
    })),
  };
}

/** A file of this machine: `~/x` in the home folder, the rest relative to the folder of drayage.yaml. */
function localPath(path: string, file: string, env: NodeJS.ProcessEnv): string {
  if (path === '~' || path.startsWith('~/')) return join(env.HOME || homedir(), path.slice(1));
  return isAbsolute(path) ? path : resolve(dirname(file), path);
}

/** Without a prototype, so that a guest may be called `constructor` and an unknown name finds nothing. */
function record<In, Out>(
  entries: readonly (readonly [string, In])[],
  make: (name: string, value: In) => Out,
): Record<string, Out> {
  const result: Record<string, Out> = Object.create(null);
  for (const [name, value] of entries) result[name] = make(name, value);
  return result;
}
