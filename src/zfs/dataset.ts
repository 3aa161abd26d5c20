import type { Host } from '../ssh/host.ts';
import {
  getPropertiesWithSource,
  listFilesystems,
  listPools,
  listSnapshots,
  showVersion,
} from './commands.ts';
import { zfsError, zfsFailure } from './errors.ts';
import {
  type FilesystemRow,
  type PoolRow,
  type PropertyRow,
  parseFilesystems,
  parsePools,
  parseProperties,
  parseSnapshots,
  parseVersion,
  type SnapshotRow,
  UnreadableOutput,
  type ZfsVersion,
} from './parse.ts';

/** A dataset and what lies below it. */
export interface Dataset extends FilesystemRow {
  /** Names of the filesystems below it, at any depth: each is a mount of its own inside a share. */
  readonly children: readonly string[];
}

/** Seconds that a read may take: a pool with failed devices answers nothing, for ever. */
const readTimeoutSeconds = 30;

/** One dataset with its children, or undefined when it does not exist. Throws the errors of errors.ts. */
export async function readDataset(host: Host, name: string): Promise<Dataset | undefined> {
  const found = await readUnlessMissing(host, listFilesystems(name), parseFilesystems);
  const own = found?.find((row) => row.name === name);
  if (!found || !own) return undefined;
  return { ...own, children: found.filter((row) => row.name !== name).map((row) => row.name) };
}

/**
 * The dataset in which a missing one would be made: quotas and redundancy are its own, a pool's free space knows neither.
 * undefined: not even the pool is there.
 */
export async function nearestAbove(host: Host, name: string): Promise<Dataset | undefined> {
  for (let above = parentOf(name); above !== ''; above = parentOf(above)) {
    const found = await readDataset(host, above);
    if (found !== undefined) return found;
  }
  return undefined;
}

const parentOf = (dataset: string): string => dataset.slice(0, Math.max(0, dataset.lastIndexOf('/')));

/** Every filesystem of a pool, parents first; undefined when the pool is not imported. */
export const listDatasets = (host: Host, pool: string): Promise<FilesystemRow[] | undefined> =>
  readUnlessMissing(host, listFilesystems(pool), parseFilesystems);

/** Properties with their sources, in the order asked; undefined when the dataset does not exist. */
export const readProperties = (
  host: Host,
  name: string,
  properties: readonly string[],
): Promise<PropertyRow[] | undefined> =>
  readUnlessMissing(host, getPropertiesWithSource(name, properties), parseProperties);

/** The snapshots of one dataset, oldest first; undefined when the dataset does not exist. */
export const readSnapshots = (host: Host, dataset: string): Promise<SnapshotRow[] | undefined> =>
  readUnlessMissing(host, listSnapshots(dataset), parseSnapshots);

/** The imported pools. */
export const readPools = (host: Host): Promise<PoolRow[]> => read(host, listPools(), parsePools);

/** Version of tools and kernel module. */
export const readVersion = (host: Host): Promise<ZfsVersion> => read(host, showVersion(), parseVersion);

async function read<T>(host: Host, argv: readonly string[], parse: (stdout: Uint8Array) => T): Promise<T> {
  const { exitCode, stdout, stderr } = await host.run(argv, { timeoutSeconds: readTimeoutSeconds });
  if (exitCode !== 0) throw zfsFailure({ host: host.name, argv, exitCode, stderr: stderr.toString() });
  try {
    return parse(stdout);
  } catch (cause) {
    if (!(cause instanceof UnreadableOutput)) throw cause;
    throw zfsError('zfs/unreadable', {
      seen: `${host.name}: ${argv.join(' ')} printed ${cause.message}`,
      next: [`on ${host.name}: ${argv.join(' ')}`, `on ${host.name}: zfs version`],
      cause,
    });
  }
}

async function readUnlessMissing<T>(
  host: Host,
  argv: readonly string[],
  parse: (stdout: Uint8Array) => T,
): Promise<T | undefined> {
  try {
    return await read(host, argv, parse);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'zfs/dataset-missing') return undefined;
    throw error;
  }
}
