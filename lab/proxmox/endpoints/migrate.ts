/** /nodes/{node}/qemu/{vmid}/migrate: the precondition, and the offline move of a configuration (QemuMigrate.pm, Helpers.pm). */
import { badParams, died } from '../api-error.ts';
import { type Call, type Cluster, type Endpoint, isOnline, target } from '../endpoint.ts';
import * as format from '../formats.ts';
import { diridOf, diskKeys, virtiofsKeys, volumeOf } from '../machine-start.ts';
import { entriesFor } from '../mapping-check.ts';
import { flag, integer, params, text } from '../params.ts';
import { readDirMappings } from '../section-config.ts';
import type { TaskScope } from '../task-runner.ts';
import type { Options } from '../vm-conf-file.ts';

const path = '/nodes/{node}/qemu/{vmid}/migrate';
const vm = { node: format.node, vmid: format.vmid };
const permission = { path: '/vms/{vmid}', privileges: ['VM.Migrate'] };

export const migrateEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path,
    params: params({ ...vm, 'target?': format.node }),
    permission,
    handle: precondition,
  },
  {
    method: 'POST',
    path,
    params: params({
      ...vm,
      target: format.node,
      'bwlimit?': integer(0),
      'force?': flag,
      'migration_network?': text(),
      'migration_type?': text({ enum: ['secure', 'insecure'] }),
      'online?': flag,
      'targetstorage?': text(),
      'with-conntrack-state?': flag,
      'with-local-disks?': flag,
    }),
    permission,
    handle: migrate,
  },
];

/** Keys of mapped devices that a node has no entry for. @throws ApiError 500 when a mapping is gone */
function unavailableOn(cluster: Cluster, node: string, options: Options): string[] {
  const { ids } = readDirMappings(cluster.mappingFile);
  return virtiofsKeys(options).filter((key) => {
    const mapping = ids.get(diridOf(options[key] ?? ''));
    if (!mapping)
      throw died(
        "Can't use an undefined value as an ARRAY reference at /usr/share/perl5/PVE/QemuMigrate/Helpers.pm line 63.",
      );
    return entriesFor(mapping, node).length === 0;
  });
}

const localDisks = (cluster: Cluster, options: Options): string[] =>
  cluster.options.sharedImages === true ? [] : diskKeys(options);

function precondition(call: Call): unknown {
  const { cluster } = call;
  const { node, vmid } = target(call);
  const { options } = cluster.vms.read(node, vmid).conf;
  const running = cluster.options.machines.running(vmid) !== undefined;
  const mapped = virtiofsKeys(options);
  const missing = cluster.nodes
    .filter(({ name, online }) => name !== node && online)
    .map(({ name }) => ({ name, missing: unavailableOn(cluster, name, options) }));
  const refused = missing.filter((other) => other.missing.length > 0);
  return {
    running: running ? 1 : 0,
    'has-dbus-vmstate': 0,
    // While the VM runs, virtiofs itself is a blocker; the mapped keys alone are none.
    local_resources: [...(running && mapped.length > 0 ? ['virtiofs'] : []), ...mapped],
    'mapped-resources': mapped,
    'mapped-resource-info': Object.fromEntries(
      mapped.map((key) => [key, { name: diridOf(options[key] ?? '') }]),
    ),
    local_disks: localDisks(cluster, options).map((key) => ({
      volid: volumeOf(options[key] ?? ''),
      cdrom: 0,
      is_unused: 0,
    })),
    ...(running
      ? {}
      : {
          allowed_nodes: missing.filter((other) => other.missing.length === 0).map(({ name }) => name),
          not_allowed_nodes: Object.fromEntries(
            refused.map((other) => [other.name, { 'unavailable-resources': other.missing }]),
          ),
        }),
  };
}

function migrate(call: Call): string {
  const { cluster, caller, values } = call;
  const { node, vmid } = target(call);
  const to = values.text('target');
  if (to === node) throw badParams({ target: 'target is local node.' });
  if (!cluster.nodes.some(({ name }) => name === to)) throw died(`no such cluster node '${to}'`);
  for (const key of ['force', 'migration_type', 'migration_network'])
    if (values.has(key)) throw badParams({ [key]: 'Only root may use this option.' });
  cluster.vms.read(node, vmid);
  const running = cluster.options.machines.running(vmid) !== undefined;
  if (running && !values.flag('online')) throw died("can't migrate running VM without --online");
  const task = { node, type: 'qmmigrate', id: String(vmid), user: caller.tokenid };
  return cluster.tasks.start(task, (scope) =>
    cluster.locks.hold(vmid, async () => {
      const started = Date.now();
      const log = (line: string) => scope.log(`${clock()} ${line}`);
      try {
        await move(cluster, node, vmid, to, { ...scope, log });
      } catch (error) {
        // The reason stands in the log alone; the task's own result is always this.
        const seconds = String(Math.floor((Date.now() - started) / 1000)).padStart(2, '0');
        log(`ERROR: migration aborted (duration 00:00:${seconds}): ${(error as Error).message}`);
        throw died('migration aborted');
      }
      log('migration finished successfully (duration 00:00:01)');
    }),
  );
}

const clock = (): string => new Date().toISOString().slice(0, 19).replace('T', ' ');

async function move(
  cluster: Cluster,
  node: string,
  vmid: number,
  to: string,
  { log }: TaskScope,
): Promise<void> {
  const { options } = cluster.vms.read(node, vmid).conf;
  if (options.lock !== undefined) throw died(`VM is locked (${options.lock})`);
  if (!isOnline(cluster, to)) throw died(`Can't connect to destination address using public key`);
  log(`starting migration of VM ${vmid} to node '${to}'`);
  const mapped = virtiofsKeys(options);
  const missing = unavailableOn(cluster, to, options);
  if (cluster.options.machines.running(vmid)) {
    if (mapped.length > 0) throw died("can't migrate VM which uses local devices: virtiofs");
    throw died('the lab migrates only VMs that are stopped');
  }
  if (missing.length > 0)
    throw died(`can't migrate to '${to}': missing mapped devices ${missing.join(', ')}`);
  if (mapped.length > 0) log('migrating VM which uses mapped local devices');
  for (const key of localDisks(cluster, options))
    log(`found local disk '${volumeOf(options[key] ?? '')}' (attached)`);
  cluster.vms.move(vmid, node, to);
}
