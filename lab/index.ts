import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { RunResult } from '../src/ssh/host.ts';
import { quoteArgv } from '../src/ssh/quote.ts';
import { ensureGuestArtifacts, labCacheFolder } from './image/build.ts';
import { chooseAccelerator } from './qemu/kvm.ts';
import { roomError } from './room/errors.ts';
import {
  defaultLabFolder,
  diskPath,
  type GuestName,
  isGuestName,
  knownGuests,
  type LabPaths,
  labPaths,
} from './room/layout.ts';
import { withStartLock } from './room/lock.ts';
import { prepareState } from './room/prepare.ts';
import { type Progress, timed } from './room/progress.ts';
import { requireRoomCommands } from './room/requirements.ts';
import {
  findRoom,
  inRoomNetwork,
  needRoom,
  processNames,
  type Room,
  startRoom,
  stopRoom,
} from './room/room.ts';
import { type GuestRun, installServices } from './services/install.ts';
import { keepPreparedDisk, preparedDiskPath, wakeServices } from './services/prepared.ts';

export { labPaths } from './room/layout.ts';

export interface LabOptions {
  /** State folder; `.lab`, or what DRAYAGE_LAB_DIR names, when left out. */
  folder?: string;
  /** Fill doc1 with its services and data. Default true; needs doc1 among the guests. */
  services?: boolean;
  /** Guests to boot, of doc1 and doc2. Default both. */
  guests?: readonly string[];
  /** The cluster has a template, and of the lab's own guests only those that are booted. Default false. */
  template?: boolean;
  /** A second node, `maint`, with storage of its own. Default false. */
  secondNode?: boolean;
  /** Keep disks and pool of an earlier lab in the same folder. Default false. */
  keep?: boolean;
  /** The lab ends with this process, whatever ends it. Default true; `npm run lab -- up` leaves it running. */
  tied?: boolean;
  say?(event: Progress): void;
  signal?: AbortSignal;
}

export interface LabRunOptions {
  input?: string | Uint8Array;
  env?: Record<string, string>;
  timeoutMs?: number;
  cwd?: string;
}

/** A running lab. */
export interface Lab {
  readonly paths: LabPaths;
  /** The node's file system, as a path that this process can open. */
  readonly nodeRoot: string;
  /** Runs a command of this machine in the lab's network; resolves for every exit code. */
  exec(argv: readonly string[], options?: LabRunOptions): Promise<RunResult>;
  /** Runs a command on prom, doc1 or doc2 over ssh as root; the remote side gets exactly these arguments. */
  ssh(host: string, argv: readonly string[], options?: LabRunOptions): Promise<RunResult>;
  /** Names of the processes that run in the lab, as the kernel has them. A QEMU has the number of its machine. */
  processes(): string[];
  /** Ends the lab; nothing of it stays but the files in its folder. */
  down(): Promise<void>;
}

type Say = (event: Progress) => void;

/**
 * Boots a lab and resolves when the API answers and every requested guest answers ssh.
 * Needs root. Throws lab/not-root, lab/missing-command, lab/unknown-guest, lab/already-running, lab/room-failed and the image's errors.
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const paths = labPaths(options.folder ?? defaultLabFolder());
  const say = options.say ?? (() => undefined);
  const guests = guestNames(options.guests ?? ['doc1', 'doc2']);
  const keep = options.keep ?? false;
  const secondNode = options.secondNode ?? false;
  if (process.getuid?.() !== 0)
    throw roomError('lab/not-root', {
      seen: `The lab was started by user ${process.getuid?.()}.`,
      next: ['sudo -E npm run lab -- up'],
    });
  requireRoomCommands();
  mkdirSync(paths.root, { recursive: true });
  return withStartLock(paths, async () => {
    if (findRoom(paths))
      throw roomError('lab/already-running', {
        seen: `A lab runs in ${paths.root}.`,
        next: ['npm run lab -- status', 'npm run lab -- down'],
      });
    const note = (text: string) => say({ kind: 'begin', text });
    const image = await timed(say, 'guest image (built once, then cached)', () =>
      unlessAborted(options.signal, ensureGuestArtifacts(note)),
    );
    const accelerator = await chooseAccelerator(image, join(labCacheFolder(), 'kvm.json'), note);
    const services = guests.includes('doc1') && (options.services ?? true);
    const prepared = services && !keep ? await ensurePreparedDisk(image.baseImage, options, say) : undefined;
    await timed(say, 'disks, keys and configurations', () =>
      prepareState(paths, image, {
        guests,
        secondNode,
        accelerator,
        keep,
        ...(prepared !== undefined && { prepared }),
        ...(options.template !== undefined && { template: options.template }),
      }),
    );
    const room = await startRoom(paths, {
      rootTree: image.rootTree,
      secondNode,
      tied: options.tied ?? true,
      say,
      ...(options.signal && { signal: options.signal }),
    });
    const lab = labOf(paths, room);
    try {
      const settled = Promise.all(
        guests.map((guest) => timed(say, `${guest}: the rest of its boot`, () => bootEnds(lab, guest))),
      );
      const fill = prepared === undefined ? fillDoc1 : wakeDoc1;
      const filled = services ? fill(lab, say) : undefined;
      await unlessAborted(options.signal, Promise.all([settled, filled]));
    } catch (error) {
      await lab.down();
      throw error;
    }
    // The records begin with what the lab's user does, not with what the lab did to come up.
    for (const file of readdirSync(paths.record)) truncateSync(join(paths.record, file));
    return lab;
  });
}

/** The lab that runs with a state folder, started by whomever. Throws lab/not-running. */
export function openLab(folder = defaultLabFolder()): Lab {
  const paths = labPaths(folder);
  return labOf(paths, needRoom(paths));
}

const onDoc1 =
  (lab: Lab): GuestRun =>
  (argv, stdin) =>
    lab.ssh('doc1', argv, stdin === undefined ? {} : { input: stdin });

const fillDoc1 = (lab: Lab, say: Say) =>
  timed(say, 'doc1: its services and their data', () =>
    installServices(onDoc1(lab), (text) => say({ kind: 'begin', text })),
  );

const wakeDoc1 = (lab: Lab, say: Say) =>
  timed(say, 'doc1: its containers start', () => wakeServices(onDoc1(lab)));

/**
 * The disk of a doc1 with its services, from the cache; made there first when it is not: a lab of its own, with doc1
 * alone, is filled and powered off. Filling takes an emulated guest most of a minute, and every lab needs the same.
 */
async function ensurePreparedDisk(baseImage: string, options: LabOptions, say: Say): Promise<string> {
  const kept = await preparedDiskPath(baseImage);
  if (existsSync(kept)) return kept;
  await timed(say, 'doc1 with its services, for this lab and later ones', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drayage-lab-'));
    try {
      const { signal } = options;
      const lab = await startLab({
        folder,
        guests: ['doc1'],
        services: false,
        say,
        ...(signal && { signal }),
      });
      try {
        await unlessAborted(
          signal,
          fillDoc1(lab, say).then(() => powerOff(lab, 'doc1')),
        );
      } finally {
        await lab.down();
      }
      await keepPreparedDisk(diskPath(lab.paths, knownGuests.doc1.vmid), kept);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  return kept;
}

/** Resolves when the guest has shut down and its QEMU has ended. */
async function powerOff(lab: Lab, guest: GuestName): Promise<void> {
  // QEMU is named after the machine (lab/qemu/command.ts). The answer may be lost with the network.
  const running = () => lab.processes().includes(String(knownGuests[guest].vmid));
  await lab.ssh(guest, ['systemctl', 'poweroff'], { timeoutMs: 60_000 }).catch(() => undefined);
  for (const end = Date.now() + 120_000; running(); await sleep(500))
    if (Date.now() > end) throw new Error(`${guest} did not shut down within two minutes`);
}

/** A guest that answers ssh may still be starting user managers, and then takes its time to shut down. */
async function bootEnds(lab: Lab, guest: GuestName): Promise<void> {
  // ssh may answer before systemd's bus does: then nothing is on stdout, and it is asked again.
  const ask = () => lab.ssh(guest, ['systemctl', 'is-system-running', '--wait'], { timeoutMs: 180_000 });
  let answer = await ask();
  for (const end = Date.now() + 60_000; answer.stdout.length === 0 && Date.now() < end; answer = await ask())
    await sleep(500);
  const state = answer.stdout.toString().trim() || answer.stderr.toString().trim();
  if (state === 'running') return;
  const failed = await lab.ssh(guest, ['systemctl', '--failed', '--plain', '--no-legend']);
  throw roomError('lab/room-failed', {
    seen: `systemd on ${guest} says '${state}' after its boot. Failed units:\n${failed.stdout.toString()}`,
    next: [`less ${join(lab.paths.log, `${guest}.console`)}`, 'npm run lab -- up --keep'],
  });
}

/** The work's result, or the signal's reason as soon as it is aborted. */
function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function guestNames(names: readonly string[]): GuestName[] {
  return names.map((name) => {
    if (isGuestName(name)) return name;
    throw roomError('lab/unknown-guest', {
      seen: `No guest of the lab is named '${name}'.`,
      next: ['Choose of doc1 and doc2.'],
    });
  });
}

function labOf(paths: LabPaths, room: Room): Lab {
  const exec = async (argv: readonly string[], options: LabRunOptions = {}): Promise<RunResult> => {
    const [command, ...args] = inRoomNetwork(room, argv) as [string, ...string[]];
    const done = await execa(command, args, {
      ...{ reject: false, encoding: 'buffer', stripFinalNewline: false },
      ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
      ...(options.env && { env: options.env }),
      ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs }),
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    if (done.exitCode === undefined) throw done;
    return {
      exitCode: done.exitCode,
      stdout: Buffer.from(done.stdout),
      stderr: Buffer.from(done.stderr),
    };
  };
  return {
    paths,
    nodeRoot: `/proc/${room.init.pid}/root${paths.nodeRoot}`,
    exec,
    ssh: (host, argv, options) => exec(['ssh', '-F', paths.sshConfig, host, quoteArgv(argv)], options),
    processes: () => processNames(room),
    down: () => stopRoom(paths),
  };
}
