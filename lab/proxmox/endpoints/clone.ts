/** POST /nodes/{node}/qemu/{vmid}/clone and DELETE /nodes/{node}/qemu/{vmid}. */
import { randomBytes, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { badParams, died } from '../api-error.ts';
import { demand } from '../auth.ts';
import { type Call, type Cluster, type Endpoint, target } from '../endpoint.ts';
import * as format from '../formats.ts';
import { diridOf, diskKeys, diskPath, virtiofsKeys, volumeOf } from '../machine-start.ts';
import { flag, integer, params, text } from '../params.ts';
import { emptyConf, type Options } from '../vm-conf-file.ts';
import { isDisk } from '../vm-options.ts';

const vm = { node: format.node, vmid: format.vmid };

export const cloneEndpoints: readonly Endpoint[] = [
  {
    method: 'POST',
    path: '/nodes/{node}/qemu/{vmid}/clone',
    params: params({
      ...vm,
      newid: format.vmid,
      'bwlimit?': integer(0),
      'description?': text(),
      'format?': text({ enum: ['raw', 'qcow2', 'vmdk'] }),
      'full?': flag,
      'name?': format.guestName,
      'pool?': text(),
      'snapname?': format.snapshotName,
      'storage?': text(),
      'target?': format.node,
    }),
    permission: { path: '/vms/{vmid}', privileges: ['VM.Clone'] },
    handle: clone,
  },
  {
    method: 'DELETE',
    path: '/nodes/{node}/qemu/{vmid}',
    params: params({ ...vm, 'destroy-unreferenced-disks?': flag, 'purge?': flag, 'skiplock?': flag }),
    permission: { path: '/vms/{vmid}', privileges: ['VM.Allocate'] },
    handle: destroy,
  },
];

function clone(call: Call): string {
  const { cluster, caller, values } = call;
  const { node, vmid } = target(call);
  const newid = values.number('newid') ?? 0;
  // Of a clone's parameters the lab has: one pool-less node, one storage, one disk format.
  for (const key of ['pool', 'snapname'])
    if (values.has(key)) throw badParams({ [key]: 'not available in the lab' });
  demand(caller, `/vms/${newid}`, ['VM.Allocate']);
  demand(caller, '/storage/local', ['Datastore.AllocateSpace']);
  for (const bridge of bridgesOf(cluster.vms.read(node, vmid).conf.options))
    demand(caller, `/sdn/zones/localnetwork/${bridge}`, ['SDN.Use']);
  const { conf } = cluster.vms.read(node, vmid);
  for (const key of virtiofsKeys(conf.options))
    demand(caller, `/mapping/dir/${diridOf(conf.options[key] ?? '')}`, ['Mapping.Use']);
  const to = values.maybe('target') ?? node;
  if (to !== node) throw died(`can't clone VM to node '${to}' (VM uses local storage)`);
  const template = conf.options.template === '1';
  const disks = diskKeys(conf.options);
  if (!template && values.has('full') && !values.flag('full'))
    throw died(`Linked clone feature for '${disks[0]}' is not available`);
  if (cluster.options.machines.running(vmid)) throw died('the lab clones only VMs that are stopped');
  const existing = cluster.vms.find(newid);
  if (existing)
    throw died(`unable to create VM ${newid}: VM ${newid} already exists on node '${existing.node}'`);

  const options = clonedOptions(conf.options, vmid, newid);
  options.name = values.maybe('name') ?? `Copy-of-VM-${conf.options.name ?? vmid}`;
  cluster.vms.write(node, newid, { ...emptyConf(), options: { lock: 'clone' } });
  const task = { node, type: 'qmclone', id: String(vmid), user: caller.tokenid };
  return cluster.tasks.start(task, ({ log }) =>
    cluster.locks.hold(newid, async () => {
      try {
        for (const key of disks) {
          const [from, into] = [conf.options, options].map((all) =>
            diskPath(cluster, volumeOf(all[key] ?? '')),
          );
          if (from === undefined || into === undefined) continue;
          log(`create full clone of drive ${key} (${volumeOf(conf.options[key] ?? '')})`);
          await mkdir(dirname(into), { recursive: true });
          await copyFile(from, into, constants.COPYFILE_FICLONE);
        }
      } catch (error) {
        cluster.vms.remove(node, newid);
        throw died(`clone failed: ${(error as Error).message}`);
      }
      cluster.vms.write(node, newid, { ...emptyConf(), description: values.maybe('description'), options });
    }),
  );
}

const bridgesOf = (options: Options): string[] =>
  Object.entries(options).flatMap(([key, value]) =>
    /^net\d+$/.test(key) ? (/(?:^|,)bridge=([^,]+)/.exec(value)?.[1] ?? []) : [],
  );

/** Everything is copied, virtiofsN word for word; snapshots, pending values, locks and identities are not. */
function clonedOptions(options: Options, vmid: number, newid: number): Options {
  const copied: Options = {};
  for (const [key, value] of Object.entries(options)) {
    if (/^(lock|parent|template|unused\d+|vmstate|snaptime)$/.test(key)) continue;
    if (isDisk(key))
      copied[key] = value.replace(new RegExp(`\\b${vmid}/(vm|base)-${vmid}-`), `${newid}/vm-${newid}-`);
    else if (/^net\d+$/.test(key)) copied[key] = value.replace(/([0-9A-F]{2}:){5}[0-9A-F]{2}/i, newMac());
    else if (key === 'vmgenid') copied[key] = randomUUID();
    else if (key === 'smbios1') copied[key] = value.replace(/uuid=[0-9a-f-]+/i, `uuid=${randomUUID()}`);
    else copied[key] = value;
  }
  return copied;
}

/** In Proxmox Server Solutions' own range, as PVE's default. */
const newMac = (): string =>
  [
    'BC',
    '24',
    '11',
    ...[...randomBytes(3)].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')),
  ].join(':');

function destroy(call: Call): string {
  const { cluster, caller, values } = call;
  const { node, vmid } = target(call);
  if (values.flag('skiplock')) throw badParams({ skiplock: 'Only root may use this option.' });
  demandRemovable(cluster, node, vmid);
  const task = { node, type: 'qmdestroy', id: String(vmid), user: caller.tokenid };
  return cluster.tasks.start(task, ({ log }) =>
    cluster.locks.hold(vmid, async () => {
      demandRemovable(cluster, node, vmid);
      const { options } = cluster.vms.read(node, vmid).conf;
      for (const key of diskKeys(options)) {
        const volume = volumeOf(options[key] ?? '');
        // A volume of another VM stays.
        if (!volume.startsWith(`local:${vmid}/`)) continue;
        log(`removing volume ${volume}`);
        await rm(diskPath(cluster, volume), { force: true });
        await rmdir(dirname(diskPath(cluster, volume))).catch(() => {});
      }
      cluster.vms.remove(node, vmid);
    }),
  );
}

function demandRemovable(cluster: Cluster, node: string, vmid: number): void {
  const { options } = cluster.vms.read(node, vmid).conf;
  if (options.protection === '1') throw died(`can't remove VM ${vmid} - protection mode enabled`);
  if (options.lock !== undefined) throw died(`VM is locked (${options.lock})`);
  if (cluster.options.machines.running(vmid)) throw died(`VM ${vmid} is running - destroy failed`);
}
