import { constants } from 'node:os';
import { getDefaultHighWaterMark, type Readable, setDefaultHighWaterMark } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { RunOptions, RunResult } from './host.ts';

/** How a local process ended: by itself, or given up by us. */
export type ProcessEnd =
  | ({ readonly ended: 'exit' } & RunResult)
  | { readonly ended: 'no-answer' | 'aborted'; readonly stderr: Buffer }
  | { readonly ended: 'not-started'; readonly message: string };

/** Variables beside those of drayage itself; undefined takes one away. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A process in uninterruptible sleep (a dead share) outlives even SIGKILL: then it is left behind after this long. */
const farewellMs = 2000;
const afterExitMs = 500;

const running = new Set<number>();
process.on('exit', () => {
  for (const pid of running) killGroup(pid, 'SIGTERM');
});

/**
 * Runs a program of this machine in a process group of its own, so that a Ctrl-C on the terminal does not reach it:
 * who asked for the run decides. Ended together with this process.
 */
export async function runProcess(
  file: string,
  args: readonly string[],
  options: RunOptions & { readonly env?: Environment } = {},
): Promise<ProcessEnd> {
  const { stdin, onStdout, timeoutSeconds, signal, gatherMs = 0 } = options;
  if (signal?.aborted) return { ended: 'aborted', stderr: Buffer.alloc(0) };

  const child = reading(gatherMs > 0 ? 1 : undefined, () =>
    execa(file, args, {
      ...(stdin === undefined ? { stdin: 'ignore' } : { input: stdin }),
      encoding: 'buffer',
      buffer: false,
      reject: false,
      detached: true,
      cleanup: false,
      // Without a terminal of its own, ssh could still ask through a window.
      env: { SSH_ASKPASS_REQUIRE: 'never', ...options.env },
    }),
  );
  const { pid } = child;
  if (pid !== undefined) running.add(pid);

  const outChunks: Buffer[] = [];
  const errChunks: Buffer[] = [];
  let givenUp: 'no-answer' | 'aborted' | undefined;
  let giveUp: () => void = () => {};
  const farewell = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  let farewellTimer: NodeJS.Timeout | undefined;
  const stop = (reason: 'no-answer' | 'aborted' | undefined) => {
    givenUp ??= reason;
    if (pid === undefined || farewellTimer !== undefined) return;
    killGroup(pid, 'SIGTERM');
    const end = () => {
      killGroup(pid, 'SIGKILL');
      giveUp();
    };
    farewellTimer = setTimeout(end, farewellMs);
    // Others may hold its output open: what it has started, which may have something to put away (rsync a half-sent
    // file), or the ssh that shares its connection.
    child.nodeChildProcess.once('exit', () => setTimeout(end, afterExitMs));
  };

  let timer: NodeJS.Timeout | undefined;
  const rest = () => clearTimeout(timer);
  const expectAnswer = () => {
    rest();
    if (timeoutSeconds !== undefined) timer = setTimeout(() => stop('no-answer'), timeoutSeconds * 1000);
  };
  const onAbort = () => stop('aborted');
  signal?.addEventListener('abort', onAbort, { once: true });
  expectAnswer();

  const over = new AbortController();
  child.nodeChildProcess.once('exit', () => over.abort());
  const gather = () => sleep(gatherMs, undefined, { signal: over.signal }).catch(() => {});

  try {
    const finished = Promise.all([
      child,
      drain(
        child.stdout,
        async (chunk) => {
          if (onStdout === undefined) {
            outChunks.push(chunk);
            expectAnswer();
            return;
          }
          // A slow reader is not a slow command.
          rest();
          await onStdout(chunk);
          expectAnswer();
        },
        gatherMs > 0 ? gather : undefined,
      ),
      drain(child.stderr, async (chunk) => {
        errChunks.push(chunk);
        expectAnswer();
      }),
    ]);
    finished.catch(() => {});
    const result = await Promise.race([finished.then(([end]) => end), farewell]);
    const stderr = Buffer.concat(errChunks);
    if (givenUp !== undefined || result === undefined) {
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.nodeChildProcess.unref();
      return { ended: givenUp ?? 'aborted', stderr };
    }
    if (pid === undefined) return { ended: 'not-started', message: result.originalMessage ?? 'not started' };
    const exitCode = result.exitCode ?? 128 + signalNumber(result.signal);
    return { ended: 'exit', exitCode, stdout: Buffer.concat(outChunks), stderr };
  } catch (error) {
    stop(undefined);
    await Promise.race([child, farewell]);
    throw error;
  } finally {
    rest();
    clearTimeout(farewellTimer);
    signal?.removeEventListener('abort', onAbort);
    if (pid !== undefined) running.delete(pid);
  }
}

/**
 * Makes something whose streams read no further ahead than `bytes`: what a slow reader leaves stays in the pipe, where
 * it costs nobody anything. Node has no other way to say so for the streams of a child process.
 */
function reading<T>(bytes: number | undefined, make: () => T): T {
  if (bytes === undefined) return make();
  const usual = getDefaultHighWaterMark(false);
  setDefaultHighWaterMark(false, bytes);
  try {
    return make();
  } finally {
    setDefaultHighWaterMark(false, usual);
  }
}

/** A pipe holds 64 KiB (pipe(7)); a writer that comes near it is not kept waiting. */
const muchBytes = 16 * 1024;

async function drain(
  stream: Readable | null,
  take: (chunk: Buffer) => Promise<void>,
  gather?: () => Promise<void>,
): Promise<void> {
  if (stream === null) return;
  try {
    for await (const chunk of stream) {
      await take(chunk as Buffer);
      if (gather !== undefined && (chunk as Buffer).length < muchBytes) await gather();
    }
  } catch (error) {
    // The stream of a command that was given up ends early; its reader's own errors pass.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function signalNumber(signal: string | undefined): number {
  return constants.signals[signal as NodeJS.Signals] ?? 0;
}
