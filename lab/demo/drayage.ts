import { spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabPaths } from '../room/layout.ts';
import { inRoomNetwork, needRoom } from '../room/room.ts';

const checkout = join(import.meta.dirname, '..', '..');
const program = ['node', 'src/cli/main.ts'];

/** A path as a person in the checkout would type it. */
export const here = (path: string): string => relative(checkout, path);

export interface Ran {
  readonly exitCode: number;
  /** Both empty when they went to the screen. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs drayage's own command line in the lab's network, as `npm run lab -- exec` does.
 * @param output `screen`: it has the demo's own terminal; `captured`: what it says is returned
 * @throws the signal's reason when it is aborted; drayage has ended then
 */
export async function runDrayage(
  paths: LabPaths,
  args: readonly string[],
  output: 'screen' | 'captured',
  signal: AbortSignal,
): Promise<Ran> {
  signal.throwIfAborted();
  const argv = [...program, '--file', here(paths.drayageConfig), ...args];
  const [command, ...rest] = inRoomNetwork(needRoom(paths), argv) as [string, ...string[]];
  const stdio = output === 'screen' ? 'inherit' : 'pipe';
  // A process group of its own: Ctrl-C reaches the demo alone, which ends drayage before the lab.
  const child = spawn(command, rest, {
    cwd: checkout,
    stdio: ['ignore', stdio, stdio],
    detached: true,
  });
  const [stdout, stderr] = [child.stdout, child.stderr].map(collected);
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 130));
  });
  const stop = () => void interrupt(child);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const exitCode = await ended;
    signal.throwIfAborted();
    return { exitCode, stdout: stdout?.() ?? '', stderr: stderr?.() ?? '' };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Keeps what a stream brings; gives it as text. */
function collected(stream: Readable | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

/** Twice Ctrl-C is drayage's own way to stop at once, with its connections closed. */
async function interrupt(child: ReturnType<typeof spawn>): Promise<void> {
  child.kill('SIGINT');
  await sleep(200);
  child.kill('SIGINT');
  await sleep(10_000, undefined, { ref: false });
  child.kill('SIGKILL');
}
