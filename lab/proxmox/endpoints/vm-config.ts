/** /nodes/{node}/qemu/{vmid}/config and /pending (qemu-server, PVE/API2/Qemu.pm). */
import { badParams, died } from '../api-error.ts';
import { type Caller, demand } from '../auth.ts';
import { type Call, type Cluster, type Endpoint, target } from '../endpoint.ts';
import * as format from '../formats.ts';
import { flag, integer, params, text } from '../params.ts';
import { parsePropertyString } from '../property-string.ts';
import { applyPending, mergePending, type Options, type VmConf } from '../vm-conf-file.ts';
import {
  changeControls,
  isAppliedAtOnce,
  isRootOnly,
  isVirtiofs,
  isVmOption,
  privilegeFor,
  shownValue,
  vmOptions,
} from '../vm-options.ts';

const vm = { node: format.node, vmid: format.vmid };
const audit = { path: '/vms/{vmid}', privileges: ['VM.Audit'] };
const path = '/nodes/{node}/qemu/{vmid}/config';
const configuring = {
  path: '/vms/{vmid}',
  privileges: [
    'VM.Config.Disk',
    'VM.Config.CDROM',
    'VM.Config.CPU',
    'VM.Config.Memory',
    'VM.Config.Network',
    'VM.Config.HWType',
    'VM.Config.Options',
    'VM.Config.Cloudinit',
  ],
  any: true,
};

export const vmConfigEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path,
    params: params({ ...vm, 'current?': flag, 'snapshot?': format.snapshotName }),
    permission: audit,
    handle: readConfig,
  },
  {
    method: 'PUT',
    path,
    params: { ...params(vm), ...changeControls, ...vmOptions },
    permission: configuring,
    handle: async (call) => {
      const { node, vmid } = target(call);
      const asked = prepare(call);
      await call.cluster.locks.hold(vmid, () => change(call.cluster, node, vmid, asked, call.caller));
      return null;
    },
  },
  {
    method: 'POST',
    path,
    params: {
      ...params({
        ...vm,
        'background_delay?': integer(1, 30),
        'import-working-storage?': text(),
      }),
      ...changeControls,
      ...vmOptions,
    },
    permission: configuring,
    handle: changeInTask,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/qemu/{vmid}/pending',
    params: params(vm),
    permission: audit,
    handle: (call) => {
      const { node, vmid } = target(call);
      return pendingRows(call.cluster.vms.read(node, vmid).conf);
    },
  },
];

function readConfig(call: Call): unknown {
  const { node, vmid } = target(call);
  const { conf, digest } = call.cluster.vms.read(node, vmid);
  const snapshot = call.values.maybe('snapshot');
  const source = snapshot === undefined ? conf : conf.snapshots[snapshot];
  if (!source) throw died(`snapshot '${snapshot}' does not exist`);
  const options = snapshot !== undefined || call.values.flag('current') ? source.options : mergePending(conf);
  return {
    ...Object.fromEntries(Object.entries(options).map(([key, value]) => [key, shownValue(key, value)])),
    ...(source.description === undefined ? {} : { description: source.description }),
    digest,
  };
}

function pendingRows(conf: VmConf): unknown {
  const keys = new Set([...Object.keys(conf.options), ...Object.keys(conf.pending), ...conf.pendingDelete]);
  const rows = [...keys].sort().map((key) => {
    const [value, pending] = [conf.options[key], conf.pending[key]];
    return {
      key,
      ...(value === undefined ? {} : { value: shownValue(key, value) }),
      ...(pending === undefined ? {} : { pending: shownValue(key, pending) }),
      ...(conf.pendingDelete.includes(key) ? { delete: 1 } : {}),
    };
  });
  return conf.description === undefined ? rows : [...rows, { key: 'description', value: conf.description }];
}

interface Asked {
  set: Options;
  remove: string[];
  revert: string[];
  digest: string | undefined;
}

/**
 * Reads what a change asks for and checks what needs no configuration.
 * @throws ApiError 400, 403 or 500
 */
function prepare({ values, caller }: Call): Asked {
  const vmid = values.text('vmid');
  if (values.flag('skiplock')) throw badParams({ skiplock: 'Only root may use this option.' });
  const set = Object.fromEntries(
    Object.entries(values.all)
      .filter(([key]) => isVmOption(key))
      .map(([key, value]) => [key, String(value)]),
  );
  const remove = format.splitList(values.maybe('delete') ?? '');
  const revert = format.splitList(values.maybe('revert') ?? '');
  if (Object.keys(set).length + remove.length + revert.length === 0) throw died('no options specified');
  for (const key of remove) {
    if (set[key] !== undefined)
      throw badParams({ delete: `you can't use '-${key}' and -delete ${key}' at the same time` });
    if (revert.includes(key))
      throw badParams({ revert: `you can't use '-delete ${key}' and '-revert ${key}' at the same time` });
    if (!isVmOption(key)) throw badParams({ delete: `unknown option '${key}'` });
  }
  for (const key of revert) {
    if (set[key] !== undefined)
      throw badParams({ delete: `you can't use '-${key}' and '-revert ${key}' at the same time` });
    if (!isVmOption(key)) throw badParams({ revert: `unknown option '${key}'` });
  }
  for (const key of [...remove, ...Object.keys(set)]) checkOption(caller, vmid, key);
  for (const [key, value] of Object.entries(set)) if (isVirtiofs(key)) checkMappingUse(caller, value);
  return { set, remove, revert, digest: values.maybe('digest') };
}

function checkOption(caller: Caller, vmid: string, key: string): void {
  if (isRootOnly(key)) throw died(`only root can set '${key}' config`);
  if (key === 'startup') demand(caller, '/', ['Sys.Modify']);
  demand(caller, `/vms/${vmid}`, [privilegeFor(key)]);
}

function checkMappingUse(caller: Caller, virtiofs: string): void {
  const { dirid } = parsePropertyString(virtiofs, format.virtiofs);
  demand(caller, `/mapping/dir/${dirid}`, ['Mapping.Use']);
}

/** @throws ApiError 403, 500 */
function checkAgainst(cluster: Cluster, node: string, vmid: number, asked: Asked, caller: Caller): VmConf {
  const { conf, digest } = cluster.vms.read(node, vmid);
  if (asked.digest !== undefined && asked.digest !== '' && asked.digest !== digest)
    throw died('checksum mismatch (file change by other user?)');
  const lock = conf.options.lock;
  if (lock !== undefined) throw died(`VM is locked (${lock})`);
  // Mapping.Use is needed for the mapping that goes away as well.
  for (const key of [...asked.remove, ...Object.keys(asked.set)])
    for (const old of [conf.options[key], conf.pending[key]])
      if (isVirtiofs(key) && old !== undefined) checkMappingUse(caller, old);
  return conf;
}

function change(cluster: Cluster, node: string, vmid: number, asked: Asked, caller: Caller): void {
  const conf = checkAgainst(cluster, node, vmid, asked, caller);
  const running = cluster.options.machines.running(vmid) !== undefined;
  const changed = record(conf, asked);
  cluster.vms.write(
    node,
    vmid,
    applyPending(changed, (key) => running && !isAppliedAtOnce(key)),
  );
}

/** Puts everything into the pending section, and drops there what already is so. */
function record(conf: VmConf, { set, remove, revert }: Asked): VmConf {
  const { description, ...options } = set;
  const pending = { ...conf.pending, ...options };
  const gone = new Set(conf.pendingDelete);
  for (const key of Object.keys(options)) gone.delete(key);
  for (const key of remove) {
    delete pending[key];
    gone.add(key);
  }
  for (const key of revert) {
    delete pending[key];
    gone.delete(key);
  }
  for (const [key, value] of Object.entries(pending)) if (conf.options[key] === value) delete pending[key];
  return {
    ...conf,
    description: remove.includes('description') ? undefined : (description ?? conf.description),
    pending,
    pendingDelete: [...gone].filter((key) => conf.options[key] !== undefined),
  };
}

async function changeInTask(call: Call): Promise<string | null> {
  const { cluster, caller, values } = call;
  const { node, vmid } = target(call);
  const asked = prepare(call);
  // The digest, the lock and the old mappings are checked before the worker is forked.
  await cluster.locks.hold(vmid, () => checkAgainst(cluster, node, vmid, asked, caller));
  const task = { node, type: 'qmconfig', id: String(vmid), user: caller.tokenid };
  const upid = cluster.tasks.start(task, async ({ log }) => {
    for (const [key, value] of Object.entries(asked.set)) log(`update VM ${vmid}: -${key} ${value}`);
    await cluster.locks.hold(vmid, () =>
      change(cluster, node, vmid, { ...asked, digest: undefined }, caller),
    );
  });
  const delay = values.number('background_delay');
  if (delay === undefined) return upid;
  await cluster.tasks.endedWithin(upid, delay * 1000);
  const found = cluster.tasks.find(upid);
  if (!found || found.running) return upid;
  if (found.exitstatus !== 'OK') throw died(found.exitstatus ?? 'unexpected status');
  return null;
}
