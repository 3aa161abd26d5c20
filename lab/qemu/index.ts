import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { MachineStart, Machines } from '../contracts.ts';
import { AgentNotRunning, askAgent } from './agent.ts';
import { type Boot, type MachinePaths, qemuArgv, tapName } from './command.ts';
import { Qmp } from './qmp.ts';
import { startVirtiofsd, virtiofsSocket } from './virtiofsd.ts';

export interface QemuOptions {
  kernel: string;
  initrd: string;
  accelerator: 'kvm' | 'tcg';
  /** Sockets. */
  runFolder: string;
  /** Consoles, QEMU's and virtiofsd's own output. */
  logFolder: string;
  /** Where `ssh-<name>.jsonl` of each guest is written. */
  recordFolder: string;
  /** The first node's root, in which virtiofsd runs. */
  nodeRoot: string;
  /** Address with prefix length for a guest. */
  addressOf(machine: MachineStart): string;
}

interface Running {
  qemu: ChildProcess;
  pid: number;
  startedAt: number;
  qmp: Qmp;
  agentSocket: string | undefined;
  /** Resolves when QEMU and its virtiofsd are gone. */
  ended: Promise<void>;
  /** Set before we end QEMU ourselves, so that listeners hear only of guests that ended by themselves. */
  stopping: boolean;
}

/** Longest path of a Unix socket that Linux takes (sun_path, with its final zero). */
const longestSocket = 107;

/** The lab's virtual machines: one QEMU for each start, one virtiofsd for each share and start. */
export function createQemuMachines(options: QemuOptions): Machines {
  const machines = new Map<number, Running>();
  const starting = new Set<number>();
  const listeners: ((vmid: number) => void)[] = [];
  const agentQueues = new Map<number, Promise<unknown>>();

  const need = (vmid: number): Running => {
    const running = machines.get(vmid);
    if (!running) throw new Error(`VM ${vmid} is not running`);
    return running;
  };

  return {
    async start(machine) {
      if (machines.has(machine.vmid) || starting.has(machine.vmid))
        throw new Error(`VM ${machine.vmid} already running`);
      starting.add(machine.vmid);
      try {
        const running = await startMachine(machine, options);
        machines.set(machine.vmid, running);
        void running.ended.then(() => {
          machines.delete(machine.vmid);
          if (!running.stopping) for (const listener of listeners) listener(machine.vmid);
        });
      } finally {
        starting.delete(machine.vmid);
      }
    },

    async stop(vmid) {
      const running = machines.get(vmid);
      if (!running) return;
      running.stopping = true;
      await running.qmp.execute('quit').catch(() => running.qemu.kill('SIGKILL'));
      const gone = await Promise.race([running.ended.then(() => true), sleep(5_000, false, { ref: false })]);
      if (!gone) running.qemu.kill('SIGKILL');
      await running.ended;
    },

    async powerdown(vmid) {
      await need(vmid).qmp.execute('system_powerdown');
    },

    async reset(vmid) {
      await need(vmid).qmp.execute('system_reset');
    },

    running(vmid) {
      const running = machines.get(vmid);
      return (
        running && { pid: running.pid, uptimeSeconds: Math.floor((Date.now() - running.startedAt) / 1000) }
      );
    },

    onExit(listener) {
      listeners.push(listener);
    },

    agent(vmid, command, args, timeoutMs) {
      // The agent's port takes one client at a time: a second one would wait unseen.
      const before = agentQueues.get(vmid) ?? Promise.resolve();
      const answer = before
        .catch(() => undefined)
        .then(() => {
          const socket = need(vmid).agentSocket;
          if (socket === undefined) throw new AgentNotRunning();
          return askAgent(socket, command, args, timeoutMs);
        });
      agentQueues.set(
        vmid,
        answer.catch(() => undefined),
      );
      return answer;
    },
  };
}

async function startMachine(machine: MachineStart, options: QemuOptions): Promise<Running> {
  const { vmid } = machine;
  const nodeRoot = machine.nodeRoot ?? options.nodeRoot;
  for (const folder of [options.runFolder, options.logFolder, options.recordFolder])
    mkdirSync(folder, { recursive: true });
  const paths: MachinePaths = {
    qmp: join(options.runFolder, `${vmid}.qmp`),
    agent: join(options.runFolder, `${vmid}.qga`),
    serial: join(options.logFolder, `${machine.name}.console`),
    record: join(options.recordFolder, `ssh-${machine.name}.jsonl`),
    virtiofs: (index) => join(nodeRoot, virtiofsSocket(vmid, index)),
  };
  const sockets = [paths.qmp, paths.agent, ...machine.virtiofs.map((device) => paths.virtiofs(device.index))];
  for (const socket of sockets)
    if (Buffer.byteLength(socket) > longestSocket)
      throw new Error(
        `start failed: socket path '${socket}' has more than ${longestSocket} bytes; use a lab folder with a shorter path`,
      );
  for (const socket of [paths.qmp, paths.agent]) rmSync(socket, { force: true });

  const helpers: ChildProcess[] = [];
  let qemu: ChildProcess | undefined;
  try {
    for (const device of machine.virtiofs)
      helpers.push(
        await startVirtiofsd(
          device,
          vmid,
          nodeRoot,
          join(options.logFolder, `virtiofsd-${vmid}-${device.index}.log`),
        ),
      );
    const boot: Boot = { ...options, address: options.addressOf(machine) };
    const logFile = join(options.logFolder, `qemu-${vmid}.log`);
    qemu = spawnLogged(qemuArgv(machine, boot, paths), logFile);
    const ended = allEnded(qemu, helpers);
    const qmp = await firstContact(qemu, paths.qmp, logFile);
    for (const [index, nic] of machine.nics.entries())
      await execa('ip', ['link', 'set', tapName(vmid, index), 'master', nic.bridge, 'up']);
    return {
      qemu,
      pid: qemu.pid as number,
      startedAt: Date.now(),
      qmp,
      agentSocket: machine.agent ? paths.agent : undefined,
      ended: ended.then(() => qmp.close()),
      stopping: false,
    };
  } catch (error) {
    qemu?.kill('SIGKILL');
    for (const helper of helpers) helper.kill('SIGKILL');
    throw error;
  }
}

function spawnLogged(argv: string[], logFile: string): ChildProcess {
  const [command, ...args] = argv as [string, ...string[]];
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

const ended = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });

/** virtiofsd ends when QEMU closes its connection; one that does not within a second is ended. */
async function allEnded(qemu: ChildProcess, helpers: ChildProcess[]): Promise<void> {
  await ended(qemu);
  const late = setTimeout(() => {
    for (const helper of helpers) helper.kill('SIGKILL');
  }, 1_000);
  await Promise.all(helpers.map(ended));
  clearTimeout(late);
}

async function firstContact(qemu: ChildProcess, socket: string, logFile: string): Promise<Qmp> {
  for (let waited = 0; waited < 20_000; waited += 50) {
    if (qemu.exitCode !== null || qemu.signalCode !== null || qemu.pid === undefined) {
      const said = readFileSync(logFile, 'utf8').trim().split('\n').at(-1) ?? '';
      throw new Error(`start failed: QEMU exited with code ${qemu.exitCode ?? qemu.signalCode}: ${said}`);
    }
    if (existsSync(socket)) {
      try {
        return await Qmp.connect(socket);
      } catch (error) {
        // Between its bind and its listen a socket is there and refuses.
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
      }
    }
    await sleep(50);
  }
  throw new Error('start failed: QEMU did not open its control socket');
}
