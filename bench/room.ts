import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Set for the process inside: the folder for all that it makes. */
const folderVariable = 'DRAYAGE_BENCH_FOLDER';

/**
 * Runs `work` in process and mount namespaces of its own: however it ends, its processes, mounts and loop devices end
 * with it, and its folder is removed. Prints errors on stderr, and sets the exit code.
 */
export async function inRoom(work: (folder: string) => Promise<void>): Promise<void> {
  const inside = process.env[folderVariable];
  if (inside !== undefined) {
    // Nothing but the shell above waits for what this process leaves running.
    process.exit(await work(inside).then(() => 0, complain));
  }
  process.exitCode = await outside().catch(complain);
}

function complain(error: unknown): number {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
}

async function outside(): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new Error('This mounts file systems and starts an sshd: run it as root.');
  const folder = mkdtempSync(join(tmpdir(), 'drayage-bench-'));
  const argv = [
    ...[
      '--pdeathsig',
      'KILL',
      'unshare',
      '--mount',
      '--propagation',
      'slave',
      '--pid',
      '--fork',
      '--kill-child=KILL',
      '--mount-proc',
    ],
    // A shell as the first process takes the exit codes of orphans, which Node.js does not.
    ...[
      '--',
      'sh',
      '-c',
      '"$@"; exit $?',
      'sh',
      process.execPath,
      ...process.execArgv,
      ...process.argv.slice(1),
    ],
  ];
  // A session of its own: Ctrl-C reaches this process alone, which ends the room at once.
  const child = spawn('setpriv', argv, {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, [folderVariable]: folder, TMPDIR: folder },
  });
  let interrupted: NodeJS.Signals | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted = signal;
      endRoom(child.pid);
    });
  }
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
  rmSync(folder, { recursive: true, force: true });
  return interrupted === undefined ? exitCode : 128 + constants.signals[interrupted];
}

/**
 * Kills the first process of the room, and thereby all: the kernel lets it go after the others, and unshare, which is
 * the last to hold the mounts, after it.
 */
function endRoom(unshare: number | undefined): void {
  if (unshare === undefined) return;
  try {
    const [init] = readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'latin1').split(' ');
    // Not forked yet: its own end is all there is.
    process.kill(Number(init) || unshare, 'SIGKILL');
  } catch (error) {
    if (!['ESRCH', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
