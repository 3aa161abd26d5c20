import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../index.ts';
import { inRoomNetwork, needRoom } from '../room/room.ts';
import type { Gate, Waiting } from './gate.ts';

/** How a run of drayage ended. */
export interface Ended {
  /** Undefined: it was killed. */
  readonly exitCode?: number;
  /** Code of the error that it told, such as `apply/guard`. */
  readonly error?: string;
  /** What it advises. */
  readonly next: readonly string[];
  readonly seconds: number;
  /** Events, and what it told on stderr. */
  readonly said: string;
}

/** What to do when something waits at the gate. `kill` and `silence`: it was told already, or is to wait on. */
export type AtGate = (waiting: Waiting) => Promise<'go' | 'kill' | 'silence'>;

const program = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

/**
 * Runs drayage as an operator would, with the gate's ssh in its PATH, until it ends or is killed.
 */
export async function runDrayage(
  lab: Lab,
  gate: Gate,
  args: readonly string[],
  atGate: AtGate = async () => 'go',
): Promise<Ended> {
  const begun = Date.now();
  const argv = [process.execPath, program, '--file', lab.paths.drayageConfig, '--json', ...args];
  const [command, ...rest] = inRoomNetwork(needRoom(lab.paths), argv) as [string, ...string[]];
  const child = spawn(command, rest, {
    cwd: lab.paths.root,
    env: { ...process.env, ...gate.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const ended = new Promise<number | undefined>((resolve, reject) => {
    child.once('error', reject);
    // Not `close`: what drayage has started may outlive it, and hold its output open.
    child.once('exit', (code) => resolve(code ?? undefined));
  });
  const exitCode = await Promise.race([ended, watchGate(child, gate, atGate)]).finally(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  await sleep(50);
  return {
    ...(exitCode === undefined ? {} : { exitCode }),
    ...told(said),
    seconds: (Date.now() - begun) / 1000,
    said,
  };
}

/** Resolves when drayage was killed; never when it ends by itself. */
async function watchGate(child: ChildProcess, gate: Gate, atGate: AtGate): Promise<undefined> {
  while (child.exitCode === null && child.signalCode === null) {
    gate.signal.throwIfAborted();
    const waiting = gate.waiting();
    if (waiting === undefined) {
      await sleep(15);
      continue;
    }
    const answer = await atGate(waiting);
    if (answer === 'kill') {
      child.kill('SIGKILL');
      return undefined;
    }
    if (answer === 'go') await gate.tell(waiting, 'go');
    else gate.leave(waiting);
  }
  return new Promise(() => {});
}

function told(said: string): { error?: string; next: readonly string[] } {
  const errors = said.split('\n').flatMap((line) => {
    try {
      const event = JSON.parse(line) as { type?: string; code?: string; next?: string[] };
      return event.type === 'error' && event.code !== undefined ? [event] : [];
    } catch {
      return [];
    }
  });
  const last = errors.at(-1);
  return last === undefined ? { next: [] } : { error: last.code as string, next: last.next ?? [] };
}
