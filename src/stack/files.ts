import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from '../apply/file.ts';
import type { Config, TofuConfig } from '../config/config.ts';
import { readProviderPin } from '../config/provider-version.ts';
import { DrayageError } from '../errors/error.ts';
import type { ClusterFindings } from '../inspect/findings.ts';
import type { Fleet } from '../nix/fleet.ts';
import { desiredMappings, desiredVms, existingOf, type Tracked } from '../plan/tofu/desired.ts';
import type { Existing, TofuVm } from '../plan/tofu/fleet.ts';
import type { FileWrite } from '../plan/tofu/operations.ts';
import { ownership, type Previous, readPrevious } from '../plan/tofu/previous.ts';
import { makeStack, providerFile, type Stack, type StackInput, stackFile } from '../plan/tofu/stack.ts';
import { tofuError } from '../tofu/errors.ts';

/** The generated files, as they are and as they shall be. */
export interface StackLook {
  readonly vms: readonly TofuVm[];
  /** Those that are not what they shall be. */
  readonly stale: readonly FileWrite[];
  readonly notes: readonly string[];
}

export interface StackSources {
  readonly config: Config;
  readonly fleet?: Fleet;
  /** Absent: the cluster is not asked, and what is there is taken from the last files. */
  readonly cluster?: Pick<ClusterFindings, 'vms' | 'mappings'>;
  readonly tracked?: Tracked;
}

/** @throws tofu/no-folder */
export async function needFolder(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => undefined))?.isDirectory() === true) return;
  throw tofuError('tofu/no-folder', { seen: `${folder} is no folder`, next: [`mkdir -p ${folder}`] });
}

/** The files that `drayage tofu generate` keeps. */
export function generatedFiles({ folder, providerFile: withProvider }: TofuConfig): string[] {
  return [stackFile, ...(withProvider ? [providerFile] : [])].map((name) => join(folder, name));
}

/** What the generated file says now; undefined: there is none. @throws tofu/foreign-file, tofu/edited-file */
export async function readGenerated({ folder }: TofuConfig): Promise<Previous | undefined> {
  const text = await ownFile(join(folder, stackFile));
  return text === undefined ? undefined : readPrevious(text);
}

/** @throws tofu/not-configured */
export function tofuOf(config: Config): TofuConfig {
  if (config.tofu !== undefined) return config.tofu;
  throw tofuError('tofu/not-configured', {
    seen: `${config.file} has no tofu section`,
    next: [`add to ${config.file}:  tofu: { folder: tofu }`],
  });
}

/**
 * Makes the files anew and compares them with those that are there. Changes nothing.
 * @throws tofu/no-folder, tofu/foreign-file, tofu/edited-file and those of `makeStack`
 */
export async function lookAtStack({ config, fleet, cluster, tracked }: StackSources): Promise<StackLook> {
  const { folder, provider, providerFile: withProvider } = tofuOf(config);
  await needFolder(folder);
  const current = {
    [stackFile]: await ownFile(join(folder, stackFile)),
    [providerFile]: withProvider ? await ownFile(join(folder, providerFile)) : undefined,
  };
  const before = current[stackFile] === undefined ? undefined : readPrevious(current[stackFile]);
  if (cluster === undefined && before === undefined)
    throw tofuError('tofu/stale', {
      seen: `${join(folder, stackFile)} is not there yet`,
      next: ['drayage tofu generate   # asks the cluster what exists'],
    });
  const existing = whatIsThere(config, fleet, cluster, before, tracked);
  const vms = desiredVms(config, fleet, existing);
  const pin = readProviderPin(provider);
  if ('problem' in pin) throw new Error(`tofu.provider was not checked: ${pin.problem}`);
  const stack = makeOrAsk(cluster !== undefined, {
    dialect: pin.dialect,
    ...(config.cluster.endpoint === undefined ? {} : { endpoint: config.cluster.endpoint }),
    withProvider,
    vms,
    mappings: desiredMappings(config, vms, existing),
    existing,
    ...(before === undefined ? {} : { previous: before }),
  });
  const stale = Object.entries(stack.files).flatMap(([name, text]) => {
    const seen = current[name as keyof typeof current];
    if (seen === text) return [];
    return [
      {
        path: join(folder, name),
        text,
        textSha256: sha256(text),
        ...(seen === undefined ? {} : { seenSha256: sha256(seen) }),
      },
    ];
  });
  return { vms, stale, notes: stack.notes };
}

/** What the last files do not know may be in the cluster: that is not told from them. */
function makeOrAsk(asked: boolean, input: StackInput): Stack {
  try {
    return makeStack(input);
  } catch (error) {
    if (asked || !(error instanceof DrayageError) || error.code !== 'tofu/nothing-to-import') throw error;
    throw tofuError('tofu/stale', {
      seen: 'a machine that is not cloned is not in the generated files yet',
      next: ['drayage tofu generate   # asks the cluster what exists'],
    });
  }
}

/** What there is in the cluster; where it is not asked, what the last files say. */
export function whatIsThere(
  config: Config,
  fleet: Fleet | undefined,
  cluster: StackSources['cluster'],
  previous: Previous | undefined,
  tracked: Tracked | undefined,
): Existing {
  if (cluster === undefined) return previous?.existing ?? { vms: {}, mappings: {} };
  const guests = [...Object.values(config.wishes), ...Object.values(config.guests)];
  const hosts = new Map(
    guests.flatMap(({ vmid, name }) => (vmid === undefined ? [] : [[vmid, name] as const])),
  );
  for (const { attribute, proxmox } of fleet?.hosts ?? []) if (proxmox) hosts.set(proxmox.vmid, attribute);
  return existingOf(cluster, hosts, previous, tracked);
}

/** The text of a generated file; undefined: there is none. @throws tofu/foreign-file, tofu/edited-file */
async function ownFile(path: string): Promise<string | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const whose = ownership(text);
  if (whose === 'ours') return text;
  throw tofuError(whose === 'foreign' ? 'tofu/foreign-file' : 'tofu/edited-file', {
    seen: path,
    next: [
      ...(whose === 'edited' ? [`git diff -- ${path}   # put what was added into a file of your own`] : []),
      `mv ${path} ${path}.old && drayage tofu generate`,
    ],
  });
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
