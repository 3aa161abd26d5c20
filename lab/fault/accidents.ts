import { clearFaults, type Fault, injectFault } from '../proxmox/fault-injection.ts';
import { knownGuests, nodeName } from '../room/layout.ts';
import type { Waiting } from './gate.ts';
import { on } from './observe.ts';
import { booted, call, task } from './operator.ts';
import { isDeed } from './points.ts';
import type { Stage } from './stage.ts';

/** Something that goes wrong in a migration, at one of its operations. */
export interface Accident {
  /** Step, and number of the operation in it, as `nameOf` has them. */
  readonly operation: string;
  readonly fault: string;
  /** How far drayage is asked to go. */
  readonly until: 'gate' | 'end';
  /** Exit codes that are right, and how the code of the error begins. `0`: drayage goes on by itself. */
  readonly exits: readonly number[];
  readonly error?: RegExp;
  /** Before the run. */
  readonly arm?: (stage: Stage) => void;
  /**
   * At each command or request of the operation, before it goes. @returns whether the accident has happened, or begun:
   * it is not called again then.
   */
  readonly at?: (stage: Stage, waiting: Waiting) => Promise<boolean>;
  /** What settles the cause, as an operator would; absent: nothing needs to be done. */
  readonly settle?: (stage: Stage) => Promise<void>;
}

const vm = (vmid: number) => `/nodes/${nodeName}/qemu/${vmid}`;
const [doc1, doc2] = [knownGuests.doc1.vmid, knownGuests.doc2.vmid];
const mapping = '/cluster/mapping/dir/containers';
const description = 'kept for the maintenance node';

const notPerformed = [
  'API: 500, not performed',
  'API: 596, not performed',
  'API: connection cut, not performed',
  'API: no answer, not performed',
] as const;
type ApiFault = (typeof notPerformed)[number] | 'API: 596, and performed';

/** What the real one says when somebody else holds a lock for too long: the cluster's file, or the machine's. */
const lockedSays = (path: string) =>
  path === mapping
    ? "update directory mapping failed: cfs-lock 'file-mapping_directory_cfg' error: got lock request timeout"
    : "can't lock file '/var/lock/qemu-server/lock-114.conf' - got timeout";

const answersTo = (path: string): Record<ApiFault, Pick<Fault, 'answer' | 'when'>> => ({
  'API: 500, not performed': { answer: { status: 500, message: lockedSays(path) }, when: 'before' },
  'API: 596, not performed': { answer: { status: 596, message: 'Connection timed out' }, when: 'before' },
  'API: connection cut, not performed': { answer: 'reset', when: 'before' },
  'API: no answer, not performed': { answer: 'hold', when: 'before' },
  'API: 596, and performed': { answer: { status: 596, message: 'Connection timed out' }, when: 'after' },
});

function faulty(operation: string, method: string, path: string, fault: ApiFault): Accident {
  return {
    operation,
    fault,
    until: 'gate',
    // Proxmox's own refusal is an error; an answer that is lost leaves the outcome unknown.
    ...(fault.startsWith('API: 500')
      ? { exits: [1], error: /^proxmox\/locked$/ }
      : { exits: [6], error: /^proxmox\/outcome-unknown$/ }),
    arm: ({ lab }) => injectFault(lab.paths.pve, { method, path, ...answersTo(path)[fault] }),
    // Nothing is told to what is held: drayage gives up.
    at: async (_stage, waiting) => waiting.kind === 'request',
  };
}

/** Somebody else changes the same object between drayage's look and its call. */
function conflict(
  operation: string,
  path: string,
  change: (stage: Stage) => Promise<unknown>,
  back: (stage: Stage) => Promise<unknown>,
): Accident {
  return {
    operation,
    fault: 'API: changed by somebody else meanwhile',
    until: 'gate',
    exits: [10],
    error: /^proxmox\/conflict$/,
    arm: ({ lab }) => injectFault(lab.paths.pve, { method: 'PUT', path, answer: 'hold', when: 'before' }),
    at: async (stage, waiting) => {
      if (waiting.kind !== 'request') return false;
      await change(stage);
      await stage.gate.tell(waiting, 'go');
      return true;
    },
    settle: async (stage) => void (await back(stage)),
  };
}

const setMapping = (stage: Stage, text: string) =>
  call(stage.lab, 'PUT', mapping, { map: 'node=maint,path=/tank/containers', description: text });
const setVm = (stage: Stage, form: Record<string, string>) =>
  call(stage.lab, 'PUT', `${vm(doc2)}/config`, form);

/** Ends the session in which the source sends to the node, as a network that drops does. */
const cutSender =
  'for i in $(seq 1200); do p=$(pgrep -f -o "^(rsync --server --sende[r]|tar --creat[e])") && kill -9 $(ps -o ppid= -p $p) && exit 0; done; exit 1';

function cut(operation: string, until: Accident['until'], exits: readonly number[]): Accident {
  return {
    operation,
    fault: 'ssh from the node to doc1 cut',
    until,
    exits,
    error: /^(copy|ssh|apply)\//,
    at: async ({ lab }, waiting) => {
      if (waiting.kind !== 'command' || !isDeed(waiting.command, waiting.intent.operation)) return false;
      // It waits there before anything is sent: a pass of few names is over in an instant.
      await on(lab, 'doc1', `setsid sh -c '${cutSender}' </dev/null >/dev/null 2>&1 & sleep 1`);
      return true;
    },
  };
}

/** Before the first command of the operation goes. */
const first = (act: (stage: Stage) => Promise<unknown>) => async (stage: Stage, waiting: Waiting) => {
  if (waiting.kind !== 'command') return false;
  await act(stage);
  return true;
};

const fill =
  'for size in 8G 4G 2G 1G 512M 256M 128M 64M 32M 16M 8M 4M 2M 1M 512K 256K 128K; do for i in 1 2 3; do fallocate -l $size /nvmeprom/filler.$size.$i 2>/dev/null || rm -f /nvmeprom/filler.$size.$i; done; done; sync';

/** In the order in which a migration meets them. */
export const accidents: readonly Accident[] = [
  ...notPerformed.map((fault) => faulty('mapping containers #1', 'PUT', mapping, fault)),
  conflict(
    'mapping containers #1',
    mapping,
    (stage) => setMapping(stage, 'in between'),
    (stage) => setMapping(stage, description),
  ),
  faulty('mapping containers #1', 'PUT', mapping, 'API: 596, and performed'),
  ...notPerformed.map((fault) => faulty('device doc1 #1', 'PUT', `${vm(doc2)}/config`, fault)),
  conflict(
    'device doc1 #1',
    `${vm(doc2)}/config`,
    (stage) => setVm(stage, { description: 'in between' }),
    (stage) => setVm(stage, { delete: 'description' }),
  ),
  faulty('device doc1 #1', 'PUT', `${vm(doc2)}/config`, 'API: 596, and performed'),
  faulty('power-cycle doc1 #1', 'POST', `${vm(doc2)}/status/shutdown`, 'API: 500, not performed'),
  faulty('power-cycle doc1 #1', 'POST', `${vm(doc2)}/status/shutdown`, 'API: no answer, not performed'),
  faulty('power-cycle doc1 #1', 'POST', `${vm(doc2)}/status/shutdown`, 'API: 596, and performed'),
  faulty('power-cycle doc1 #2', 'POST', `${vm(doc2)}/status/start`, 'API: 500, not performed'),
  faulty('power-cycle doc1 #2', 'POST', `${vm(doc2)}/status/start`, 'API: no answer, not performed'),
  faulty('power-cycle doc1 #2', 'POST', `${vm(doc2)}/status/start`, 'API: 596, and performed'),
  {
    operation: 'images doc1 #last',
    fault: 'share unmounted before the first copy',
    until: 'gate',
    exits: [5],
    error: /^apply\/guard$/,
    at: first(({ lab }) => on(lab, 'prom', 'umount -l /nvmeprom/containers')),
    settle: async ({ lab }) => void (await on(lab, 'prom', 'zfs mount nvmeprom/containers')),
  },
  {
    operation: 'seed doc1 #1',
    fault: 'target full',
    until: 'gate',
    exits: [1],
    error: /^copy\/(rsync-failed|not-every-file)$/,
    at: first(({ lab }) => on(lab, 'prom', fill)),
    settle: async ({ lab }) => void (await on(lab, 'prom', 'rm -f /nvmeprom/filler.*')),
  },
  cut('seed doc1 #1', 'gate', [1]),
  {
    operation: 'seed doc1 #1',
    fault: 'share unmounted in the first copy',
    until: 'gate',
    exits: [1, 5],
    error: /^(apply|copy|verify)\//,
    at: async ({ lab }, waiting) => {
      if (waiting.kind !== 'command' || !isDeed(waiting.command, waiting.intent.operation)) return false;
      await on(lab, 'prom', 'umount -l /nvmeprom/containers');
      return true;
    },
    settle: async ({ lab }) => {
      // What was written to the directory below, if anything was.
      await on(lab, 'prom', 'test -z "$(ls -A /nvmeprom/containers)" && zfs mount nvmeprom/containers');
    },
  },
  cut('final-pass doc1 #1', 'end', [6, 7]),
  {
    operation: 'stop doc1 #last',
    fault: 'source unmounted before the pass with --delete',
    until: 'end',
    exits: [6],
    error: /^apply\/(guard|not-proven)$/,
    // Over the data, as a mount that is gone shows it: an empty directory of another file system.
    at: first(({ lab }) => on(lab, 'doc1', 'mount -t tmpfs none /mnt/docker')),
    settle: async ({ lab }) => void (await on(lab, 'doc1', 'umount /mnt/docker')),
  },
  {
    operation: 'final-pass doc1 #1',
    fault: 'doc1 reset in the window',
    until: 'end',
    exits: [6, 7],
    error: /^(ssh|apply|copy)\//,
    at: first(({ lab }) => task(lab, `${vm(doc1)}/status/reset`)),
    settle: ({ lab }) => booted(lab, 'doc1'),
  },
  {
    operation: 'restart-policy doc1 #1',
    fault: 'doc2 reset after the window',
    until: 'end',
    exits: [0, 1, 6],
    error: /^(ssh|apply)\//,
    at: first(({ lab }) => task(lab, `${vm(doc2)}/status/reset`)),
    settle: ({ lab }) => booted(lab, 'doc2'),
  },
];

/** Nothing of an accident is left in the API. */
export const forgetFaults = ({ lab }: Stage) => clearFaults(lab.paths.pve);
