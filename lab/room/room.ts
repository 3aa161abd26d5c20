import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { roomError } from './errors.ts';
import { type LabPaths, poolFolder, secondStorage } from './layout.ts';
import { childrenOf, identify, isAlive, namespaceOf, processesIn, processIdentitySchema } from './process.ts';
import { type Progress, progressSchema } from './progress.ts';

const roomSchema = z.object({ init: processIdentitySchema, startedAt: z.string() });
export type Room = z.infer<typeof roomSchema>;

/** The running room of a state folder; undefined when none runs (a crashed one is none). */
export function findRoom(paths: LabPaths): Room | undefined {
  let text: string;
  try {
    text = readFileSync(paths.roomFile, 'utf8');
  } catch {
    return undefined;
  }
  const room = roomSchema.parse(JSON.parse(text));
  return isAlive(room.init) ? room : undefined;
}

export function needRoom(paths: LabPaths): Room {
  const room = findRoom(paths);
  if (room) return room;
  throw roomError('lab/not-running', {
    seen: `No lab runs with the state folder ${paths.root}.`,
    next: ['npm run lab -- up'],
  });
}

/** Names of all processes of the room (/proc/PID/comm). */
export function processNames(room: Room): string[] {
  const inside = namespaceOf(room.init.pid, 'pid');
  if (inside === undefined) return [];
  return processesIn(inside, 'pid').flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd()];
    } catch {
      return []; // It ended between the two looks.
    }
  });
}

/** A command line that runs in the room's network, and else in the caller's own world. */
export const inRoomNetwork = (room: Room, argv: readonly string[]) => [
  'nsenter',
  `--net=/proc/${room.init.pid}/ns/net`,
  '--',
  ...argv,
];

export interface StartOptions {
  rootTree: string;
  secondNode: boolean;
  /** Ends with this process, however that ends; otherwise the room lives on by itself. */
  tied: boolean;
  say(event: Progress): void;
  /** Aborted: the room is ended, and `startRoom` rejects. */
  signal?: AbortSignal;
}

/**
 * Starts the room and resolves when its keeper says that it is ready.
 * The state folder must have been prepared. Rejects with lab/room-failed; nothing of the room is left then.
 */
export async function startRoom(paths: LabPaths, options: StartOptions): Promise<Room> {
  const child = spawnRoom(paths, options);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  try {
    const init = identify(await initOf(child));
    const room: Room = { init, startedAt: new Date().toISOString() };
    writeFileSync(paths.roomFile, `${JSON.stringify(room)}\n`);
    await untilReady(paths, child, options);
    child.unref();
    return room;
  } catch (error) {
    child.kill('SIGKILL');
    await Promise.race([ended, sleep(5_000)]);
    rmSync(paths.roomFile, { force: true });
    throw error;
  }
}

/** Ends the room: guests first, by their QEMU's quit; then everything. Resolves when no process of it is left. */
export async function stopRoom(paths: LabPaths, graceMs = 12_000): Promise<void> {
  const room = findRoom(paths);
  if (room) {
    const inside = namespaceOf(room.init.pid, 'pid');
    signal(room.init.pid, 'SIGTERM');
    const end = Date.now() + graceMs;
    while (isAlive(room.init) && Date.now() < end) await sleep(50);
    if (isAlive(room.init)) signal(room.init.pid, 'SIGKILL');
    while (inside !== undefined && processesIn(inside, 'pid').length > 0) await sleep(50);
  }
  rmSync(paths.roomFile, { force: true });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function spawnRoom(paths: LabPaths, options: StartOptions): ChildProcess {
  const here = import.meta.dirname;
  const unshare = [
    ...[
      'unshare',
      '--mount',
      '--pid',
      '--net',
      '--uts',
      '--ipc',
      '--fork',
      '--kill-child=KILL',
      '--mount-proc',
    ],
    ...['--', 'bash', join(here, 'init.sh'), paths.root, options.rootTree, poolFolder],
    options.secondNode ? secondStorage : '',
    ...[process.execPath, join(here, 'keeper.ts'), paths.settings],
  ];
  const [command, ...args] = options.tied ? ['setpriv', '--pdeathsig', 'KILL', ...unshare] : unshare;
  const log = openSync(paths.roomLog, 'a');
  // A session of its own: Ctrl-C in the starter's terminal reaches the starter, which ends the room in order.
  const child = spawn(command as string, args, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

/** unshare forks: its only child is the room's init. */
async function initOf(child: ChildProcess): Promise<number> {
  for (let waited = 0; waited < 5_000 && child.exitCode === null && child.pid !== undefined; waited += 20) {
    const [init] = childrenOf(child.pid);
    if (init !== undefined) return init;
    await sleep(20);
  }
  throw roomError('lab/room-failed', {
    seen: `unshare ended with ${child.exitCode ?? child.signalCode} before the room began.`,
    next: ['npm run lab -- up'],
  });
}

async function untilReady(paths: LabPaths, child: ChildProcess, options: StartOptions): Promise<void> {
  let read = 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const gone = child.exitCode !== null || child.signalCode !== null;
    const lines = existsSync(paths.progress) ? readFileSync(paths.progress, 'utf8').split('\n') : [];
    // The last element is what follows the last line feed: an incomplete line, or nothing.
    for (const line of lines.slice(read, -1)) {
      read++;
      const event = progressSchema.parse(JSON.parse(line));
      options.say(event);
      if (event.kind === 'ready') return;
      if (event.kind === 'failed') throw failure(paths, event.text);
    }
    if (gone) throw failure(paths, `the room ended with ${child.exitCode ?? child.signalCode}`);
    await sleep(100);
  }
}

function failure(paths: LabPaths, text: string) {
  const tail = readFileSync(paths.roomLog, 'utf8').trim().split('\n').slice(-15).join('\n');
  return roomError('lab/room-failed', {
    seen: tail === '' ? text : `${text}\n${tail}`,
    next: [`less ${paths.roomLog}`, `ls ${paths.log}`, 'npm run lab -- up'],
  });
}
