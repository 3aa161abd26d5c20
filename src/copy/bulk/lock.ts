import { PassThrough } from 'node:stream';
import type { Host } from '../../ssh/host.ts';
import { lockedExitCode } from '../rsync-command.ts';

/**
 * Alone for an instant, then together with the parts: no other pass, and no part that a lost connection left behind.
 * Ends when its stdin does, at the latest with the connection.
 */
const script = `exec 9>>"$1" || exit
flock --nonblock --conflict-exit-code ${lockedExitCode} --exclusive 9 || exit
flock --nonblock --conflict-exit-code ${lockedExitCode} --shared 9 || exit
echo held
cat >/dev/null`;

export type Held =
  | { readonly held: true; release(): Promise<void> }
  | { readonly held: false; readonly exitCode: number; readonly stderr: string };

/** Holds `lock` until stdin ends. */
export const heldLock = (lock: string): string[] => ['sh', '-c', script, 'sh', lock];

/** Takes the lock of a pass of several parts, or says why not. */
export async function holdLock(host: Host, lock: string, signal?: AbortSignal): Promise<Held> {
  const stdin = new PassThrough();
  let told = () => {};
  const held = new Promise<'held'>((resolve) => {
    told = () => resolve('held');
  });
  const end = host.run(heldLock(lock), {
    stdin,
    onStdout: told,
    ...(signal === undefined ? {} : { signal }),
  });
  const first = await Promise.race([held, end]);
  if (first !== 'held') {
    return { held: false, exitCode: first.exitCode, stderr: first.stderr.toString('utf8') };
  }
  return {
    held: true,
    async release() {
      stdin.end();
      // The parts hold the lock too: how this one ended says nothing.
      await end.catch(() => {});
    },
  };
}
