import { PassThrough } from 'node:stream';
import type { Host } from '../../ssh/host.ts';
import { printableName } from '../../verify/name.ts';
import { copyError } from '../errors.ts';
import { lockedExitCode } from '../rsync-command.ts';

/** The line by which a command says that it holds its lock: nothing that a profile or a banner prints. */
export const heldWord = 'drayage: the lock is held';

/**
 * Alone for an instant, then together with the parts: no other pass, and no part that a lost connection left behind.
 * Ends when its stdin does, at the latest with the connection.
 */
const script = `exec 9>>"$1" || exit
flock --nonblock --conflict-exit-code ${lockedExitCode} --exclusive 9 || exit
flock --nonblock --conflict-exit-code ${lockedExitCode} --shared 9 || exit
printf '\\n%s\\n' '${heldWord}'
cat >/dev/null`;

/** How a lock was refused. */
export interface Refused {
  readonly exitCode: number;
  readonly stderr: string;
}

export interface Holding {
  /** How it was refused; undefined: it is held. */
  readonly ready: Promise<Refused | undefined>;
  /** @param word what the command is told at its end */
  release(word?: string): Promise<void>;
}

/** Holds `lock` until stdin ends. */
export const heldLock = (lock: string): string[] => ['sh', '-c', script, 'sh', lock];

/** Takes the lock of a pass of several parts. */
export function holdLock(host: Host, lock: string, signal?: AbortSignal): Holding {
  return hold(host, heldLock(lock), signal);
}

/** Runs a command that says `heldWord` when it holds a lock, and ends when its stdin does. */
export function hold(host: Host, argv: readonly string[], signal?: AbortSignal): Holding {
  const stdin = new PassThrough();
  const lines = lineWatch(heldWord);
  let told = () => {};
  const held = new Promise<undefined>((resolve) => {
    told = () => resolve(undefined);
  });
  const end = host.run(argv, {
    stdin,
    onStdout(chunk) {
      if (lines.push(chunk)) told();
    },
    ...(signal === undefined ? {} : { signal }),
  });
  const refused = end.then(({ exitCode, stdout, stderr }): Refused | undefined => {
    if (exitCode !== 0) return { exitCode, stderr: stderr.toString('utf8') };
    // It has ended before it was asked to: whatever it held is free again.
    lines.push(stdout);
    throw copyError('copy/unreadable-output', {
      seen: `what takes the lock of the pass on ${host.name} ended at once, and said: ${printableName(lines.seen()) || '(nothing)'}`,
      next: [
        `log in to ${host.name} as drayage does and type: sh -c 'echo hello'   # a profile that ends the shell shows itself`,
        `ssh ${host.name} flock --version`,
      ],
    });
  });
  refused.catch(() => {});
  const ready = Promise.race([held, refused]);
  ready.catch(() => {});
  return {
    ready,
    async release(word = '') {
      stdin.end(word);
      // Those that it was held for have told how they ended: how this one did says nothing more.
      await end.catch(() => {});
    },
  };
}

/** Has a line of its own been this word yet? What else was printed is kept in part, to be shown. */
function lineWatch(word: string): { push(chunk: Buffer): boolean; seen(): string } {
  const most = 300;
  let seen = '';
  let last = '';
  let found = false;
  return {
    push(chunk) {
      const text = chunk.toString('latin1');
      seen = `${seen}${text}`.slice(0, most);
      const lines = `${last}${text}`.split('\n');
      last = (lines.pop() ?? '').slice(-most);
      found ||= lines.includes(word);
      return found;
    },
    seen: () => seen.trim(),
  };
}
