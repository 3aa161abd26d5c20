import { setTimeout as wait } from 'node:timers/promises';
import type { Post } from './request.ts';

/** How long things may take, in milliseconds. */
export interface Limits {
  /** One post. */
  readonly post: number;
  /** Before the one post that is tried again. */
  readonly again: number;
  /** All that is still under way, when the run has ended. */
  readonly close: number;
}

export interface Sender {
  /** Returns at once; what is sent is sent in order. */
  send(post: Post): void;
  /** Resolves when all is sent, or the limit is reached. Never throws. */
  close(): Promise<void>;
}

/**
 * Posts in the background. Nothing that goes wrong here is an error of the run: it is told once, by the origin of the
 * address and what happened, and the next message is tried all the same.
 */
export function openSender(warn: (text: string) => void, limits: Limits): Sender {
  const over = new AbortController();
  let queue: Promise<void> = Promise.resolve();
  let warned = false;
  const deliver = async (post: Post) => {
    let failed = await attempt(post, limits.post, over.signal);
    if (failed !== undefined && !warned && !over.signal.aborted) {
      await wait(limits.again, undefined, { signal: over.signal }).catch(() => undefined);
      failed = await attempt(post, limits.post, over.signal);
    }
    if (failed === undefined || warned) return;
    warned = true;
    warn(`${new URL(post.url).origin} did not take a message: ${failed}. The run does not wait for it.`);
  };
  return {
    send(post) {
      queue = queue.then(() => deliver(post));
    },
    async close() {
      const timer = setTimeout(() => over.abort(), limits.close);
      await queue;
      clearTimeout(timer);
    },
  };
}

/** @returns what went wrong, without the address, which may be secret */
async function attempt(post: Post, limit: number, over: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetch(post.url, {
      method: 'POST',
      headers: post.headers,
      body: post.body,
      // A token is not carried to where an answer points.
      redirect: 'manual',
      signal: AbortSignal.any([over, AbortSignal.timeout(limit)]),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `HTTP ${response.status}`;
  } catch (error) {
    if (!(error instanceof Error)) return 'no answer';
    if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
    const { code } = (error.cause ?? {}) as { code?: unknown };
    return typeof code === 'string' ? code : 'it could not be reached';
  }
}
