import type { Config } from '../config/config.ts';
import { DrayageError } from '../errors/error.ts';
import type { Fleet } from '../nix/fleet.ts';
import { driftOf, type SeenVm } from '../plan/drift.ts';
import { desiredMappings, desiredVms } from '../plan/tofu/desired.ts';
import type { ProxmoxClient } from '../proxmox/client.ts';
import { proxmoxReader } from '../proxmox/reader.ts';
import { vmSizes } from '../proxmox/sizes.ts';
import type { TofuClient } from '../tofu/client.ts';
import { readGenerated, whatIsThere } from './files.ts';

/** Where the files, the state and the cluster do not say the same, in sentences; only looks. */
export async function lookForDrift(given: {
  readonly config: Config;
  readonly fleet?: Fleet;
  readonly proxmox: ProxmoxClient;
  readonly tofu: () => Promise<TofuClient | undefined>;
}): Promise<string[]> {
  const { config, fleet, proxmox } = given;
  const { cluster } = await proxmoxReader(proxmox).cluster();
  const previous = config.tofu === undefined ? undefined : await readGenerated(config.tofu);
  const existing = whatIsThere(config, fleet, cluster, previous, undefined);
  const vms = desiredVms(config, fleet, existing);
  const seen = await Promise.all(
    cluster.vms
      .filter(({ vmid }) => vms.some((vm) => vm.vmid === vmid))
      .map(async ({ vmid, name, node, virtiofs }): Promise<SeenVm> => {
        const sizes = await vmSizes(proxmox, node, vmid);
        return { vmid, name, node, ...sizes, ...(virtiofs === undefined ? {} : { virtiofs }) };
      }),
  );
  const state = await stateAddresses(given.tofu);
  return driftOf({
    vms,
    mappings: desiredMappings(config, vms, existing),
    seen,
    seenMappings: cluster.mappings,
    ...(state === undefined || previous === undefined
      ? {}
      : { addresses: { files: previous.resources, state } }),
  });
}

/** undefined: there is no program, or no state that could be read. */
async function stateAddresses(open: () => Promise<TofuClient | undefined>): Promise<string[] | undefined> {
  try {
    const client = await open();
    if (client === undefined || (await client.identity()) === undefined) return undefined;
    return [...(await client.state()).keys()];
  } catch (error) {
    if (error instanceof DrayageError) return undefined;
    throw error;
  }
}
