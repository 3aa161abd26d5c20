/** /nodes/{node}/qemu/{vmid}/status/*: the power state. Everything but `current` is a task. */
import { setTimeout as sleep } from 'node:timers/promises';
import { badParams, died } from '../api-error.ts';
import { type Call, type Cluster, type Endpoint, target } from '../endpoint.ts';
import * as format from '../formats.ts';
import { agentEnabled, machineStart } from '../machine-start.ts';
import { flag, integer, type ParamTable, params, text } from '../params.ts';
import type { TaskScope } from '../task-runner.ts';
import { applyPending } from '../vm-conf-file.ts';
import { vmSummary } from '../vm-summary.ts';

const vm = { node: format.node, vmid: format.vmid };
const base = '/nodes/{node}/qemu/{vmid}/status';
const timeout = integer(0);

/** Only root itself may use these; they belong to migrations between nodes. */
const reserved = params({
  'skiplock?': flag,
  'migratedfrom?': format.node,
  'migration_network?': text(),
  'migration_type?': text({ enum: ['secure', 'insecure'] }),
  'stateuri?': text({ maxLength: 128 }),
  'targetstorage?': text(),
  'keepActive?': flag,
  'force-cpu?': text(),
});
const only = (...names: string[]): ParamTable =>
  Object.fromEntries(Object.entries(reserved).filter(([name]) => names.includes(name)));

const power = (name: string, table: ParamTable, handle: Endpoint['handle']): Endpoint => ({
  method: 'POST',
  path: `${base}/${name}`,
  params: { ...params(vm), ...table },
  permission: { path: '/vms/{vmid}', privileges: ['VM.PowerMgmt'] },
  handle: (call) => {
    for (const key of Object.keys(reserved))
      if (call.values.has(key)) throw badParams({ [key]: 'Only root may use this option.' });
    return handle(call);
  },
});

export const powerEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: `${base}/current`,
    params: params(vm),
    permission: { path: '/vms/{vmid}', privileges: ['VM.Audit'] },
    handle: current,
  },
  power(
    'start',
    {
      ...only(
        'skiplock',
        'migratedfrom',
        'migration_network',
        'migration_type',
        'stateuri',
        'targetstorage',
        'force-cpu',
      ),
      ...params({
        'timeout?': timeout,
        'machine?': text(),
        'nets-host-mtu?': text({ pattern: /^net\d+=\d+(,net\d+=\d+)*$/ }),
        'with-conntrack-state?': flag,
      }),
    },
    (call) => {
      const { node, vmid } = known(call);
      return start(call.cluster, node, vmid, call.caller.tokenid);
    },
  ),
  power(
    'stop',
    {
      ...only('skiplock', 'migratedfrom', 'keepActive'),
      ...params({ 'timeout?': timeout, 'overrule-shutdown?': flag }),
    },
    stop,
  ),
  power(
    'shutdown',
    { ...only('skiplock', 'keepActive'), ...params({ 'timeout?': timeout, 'forceStop?': flag }) },
    (call) => {
      const { node, vmid } = known(call);
      return task(call, 'qmshutdown', (scope) =>
        call.cluster.locks.hold(vmid, () =>
          shutdown(
            call.cluster,
            node,
            vmid,
            scope,
            call.values.number('timeout'),
            call.values.flag('forceStop'),
          ),
        ),
      );
    },
  ),
  power('reboot', params({ 'timeout?': timeout }), reboot),
  power('reset', only('skiplock'), (call) => {
    const { vmid } = known(call);
    demandRunning(call.cluster, vmid);
    return task(call, 'qmreset', () =>
      call.cluster.locks.hold(vmid, () => call.cluster.options.machines.reset(vmid)),
    );
  }),
];

function known(call: Call): { node: string; vmid: number } {
  const at = target(call);
  call.cluster.vms.read(at.node, at.vmid);
  return at;
}

function task(call: Call, type: string, body: (scope: TaskScope) => Promise<void>): string {
  const { node, vmid } = target(call);
  return call.cluster.tasks.start({ node, type, id: String(vmid), user: call.caller.tokenid }, body);
}

const isRunning = (cluster: Cluster, vmid: number): boolean =>
  cluster.options.machines.running(vmid) !== undefined;

function demandRunning(cluster: Cluster, vmid: number): void {
  if (!isRunning(cluster, vmid)) throw died(`VM ${vmid} not running`);
}

function current(call: Call): unknown {
  const { node, vmid } = target(call);
  const stored = call.cluster.vms.read(node, vmid);
  return {
    ...vmSummary(call.cluster, stored),
    qmpstatus: isRunning(call.cluster, vmid) ? 'running' : 'stopped',
    ha: { managed: 0 },
    ...(agentEnabled(stored.conf.options) ? { agent: 1 } : {}),
  };
}

/** Starts the task that starts the VM; `user` is `root@pam` when qmeventd's cleanup asks. */
export function start(cluster: Cluster, node: string, vmid: number, user: string): string {
  return cluster.tasks.start({ node, type: 'qmstart', id: String(vmid), user }, () =>
    cluster.locks.hold(vmid, async () => {
      const { conf } = cluster.vms.read(node, vmid);
      demandUnlocked(conf.options.lock);
      if (conf.options.template === '1') throw died("you can't start a vm if it's a template");
      if (isRunning(cluster, vmid)) throw died(`VM ${vmid} already running`);
      const applied = applyPending(conf);
      cluster.vms.write(node, vmid, applied);
      await cluster.options.machines.start(machineStart(cluster, node, vmid, applied.options));
    }),
  );
}

function demandUnlocked(lock: string | undefined): void {
  if (lock !== undefined) throw died(`VM is locked (${lock})`);
}

function stop(call: Call): string {
  const { cluster, values } = call;
  const { vmid } = known(call);
  return task(call, 'qmstop', async ({ log }) => {
    if (values.flag('overrule-shutdown'))
      for (const { upid, type, id, running } of cluster.tasks.list())
        if (running && type === 'qmshutdown' && id === String(vmid)) {
          log(`Sending SIGTERM to shutdown task ${upid}`);
          cluster.tasks.stop(upid);
        }
    await cluster.locks.hold(vmid, async () => {
      if (isRunning(cluster, vmid)) await cluster.options.machines.stop(vmid);
    });
  });
}

/**
 * Asks the guest to power off and waits (qemu-server, QemuServer.pm, _do_vm_stop). A VM that is not running is no error.
 * Its warnings are plain lines of the log: they do not turn the result into `WARNINGS: n`.
 */
async function shutdown(
  cluster: Cluster,
  node: string,
  vmid: number,
  { log, signal }: TaskScope,
  seconds: number | undefined,
  force: boolean,
): Promise<void> {
  const { machines, pollMs = 200 } = cluster.options;
  if (!isRunning(cluster, vmid)) return;
  const { options } = cluster.vms.read(node, vmid).conf;
  demandUnlocked(options.lock);
  const down = /(?:^|,)down=(\d+)/.exec(options.startup ?? '')?.[1];
  const wait = seconds ?? Number(down ?? 60);
  const until = Date.now() + wait * 1000;
  const terminate = async (why: string) => {
    log(`${why} - terminating now with SIGTERM`);
    await machines.stop(vmid);
  };
  try {
    if (agentEnabled(options) && (await agentAnswers(cluster, vmid, log))) {
      await machines.agent(vmid, 'guest-shutdown');
    } else {
      await machines.powerdown(vmid);
    }
  } catch {
    if (!isRunning(cluster, vmid)) {
      log('Unexpected: VM shutdown command failed, but VM not running anymore..');
      return;
    }
    // An agent that refuses is not followed by ACPI.
    if (!force) throw died('VM quit/powerdown failed');
    await terminate('VM quit/powerdown failed');
    return;
  }
  while (isRunning(cluster, vmid)) {
    if (Date.now() >= until) {
      if (!force) throw died('VM quit/powerdown failed - got timeout');
      await terminate('VM still running');
      return;
    }
    await sleep(pollMs, undefined, { signal });
  }
}

/** The ping before an agent is asked to shut down (QemuServer/Agent.pm, qga_check_running). */
async function agentAnswers(cluster: Cluster, vmid: number, log: TaskScope['log']): Promise<boolean> {
  try {
    await cluster.options.machines.agent(vmid, 'guest-ping', undefined, 3000);
    return true;
  } catch {
    log(`QEMU Guest Agent is not running - VM ${vmid} qga command 'guest-ping' failed - got timeout`);
    return false;
  }
}

/** The task is over when the VM has stopped; another task, of root, starts it again and may fail alone. */
function reboot(call: Call): string {
  const { cluster, values } = call;
  const { node, vmid } = known(call);
  demandRunning(cluster, vmid);
  const upid = task(call, 'qmreboot', (scope) =>
    cluster.locks.hold(vmid, () => shutdown(cluster, node, vmid, scope, values.number('timeout'), false)),
  );
  void cluster.tasks.ended(upid).then(() => {
    if (cluster.tasks.find(upid)?.exitstatus === 'OK') start(cluster, node, vmid, 'root@pam');
  });
  return upid;
}
