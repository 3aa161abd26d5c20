import { randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { JsonLines } from './json-lines.ts';

/** The guest's agent did not answer in time: not installed, not started, or the guest hangs. */
export class AgentNotRunning extends Error {
  constructor() {
    super('QEMU guest agent is not running');
    this.name = 'AgentNotRunning';
  }
}

/** The agent answered with an error of its own; `message` is its description. */
export class AgentError extends Error {
  readonly class: string;

  constructor(errorClass: string, description: string) {
    super(description);
    this.name = 'AgentError';
    this.class = errorClass;
  }
}

/** Commands that answer only when they fail ("success-response": false in QEMU's qga/qapi-schema.json). */
const silentOnSuccess = new Set([
  'guest-shutdown',
  'guest-suspend-disk',
  'guest-suspend-ram',
  'guest-suspend-hybrid',
]);
const silenceMs = 1_000;

/** The agent's sentinel: it precedes the answer to `guest-sync-delimited`, and resets the agent's parser. */
const sentinel = 0xff;

/** The bytes that bring agent and client into step, whatever an earlier client left half-written. */
export function syncRequest(id: number): Buffer {
  return Buffer.concat([
    Buffer.from([sentinel]),
    Buffer.from(`${JSON.stringify({ execute: 'guest-sync-delimited', arguments: { id } })}\n`),
  ]);
}

interface AgentAnswer {
  return?: unknown;
  error?: { class: string; desc: string };
}

/** Reads answers from the agent's stream; everything before the answer to our sync belongs to an earlier client. */
export class AgentStream {
  readonly #id: number;
  #lines = new JsonLines();
  #synced = false;
  #seenSentinel = false;

  constructor(id: number) {
    this.#id = id;
  }

  get synced(): boolean {
    return this.#synced;
  }

  push(chunk: Buffer): AgentAnswer[] {
    if (this.#synced) return this.#lines.push(chunk) as AgentAnswer[];
    const start = chunk.lastIndexOf(sentinel);
    if (start >= 0) {
      this.#seenSentinel = true;
      this.#lines = new JsonLines();
    } else if (!this.#seenSentinel) return [];
    const answers = this.#lines.push(chunk.subarray(start + 1)) as AgentAnswer[];
    const mine = answers.findIndex((answer) => answer.return === this.#id);
    if (mine < 0) return [];
    this.#synced = true;
    return answers.slice(mine + 1);
  }
}

/**
 * Runs one guest agent command over its socket and returns the agent's `return` value.
 * Bytes that the agent sends as base64 (`out-data`, `buf-b64`) stay base64.
 * Throws AgentNotRunning when the agent does not answer the sync, AgentError for its own errors.
 */
export async function askAgent(
  socketPath: string,
  command: string,
  args?: unknown,
  timeoutMs = 5_000,
): Promise<unknown> {
  const id = randomInt(1, 2 ** 31);
  const socket = connect(socketPath);
  try {
    return await conversation(socket, new AgentStream(id), id, command, args, timeoutMs);
  } finally {
    socket.destroy();
  }
}

function conversation(
  socket: Socket,
  stream: AgentStream,
  id: number,
  command: string,
  args: unknown,
  timeoutMs: number,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let asked = false;
    const done = (settle: () => void) => {
      clearTimeout(timer);
      settle();
    };
    const timer = setTimeout(
      () =>
        done(() =>
          reject(
            asked
              ? new Error(`guest agent command '${command}' failed - got timeout`)
              : new AgentNotRunning(),
          ),
        ),
      timeoutMs,
    );
    socket.on('connect', () => socket.write(syncRequest(id)));
    socket.on('error', () => done(() => reject(new AgentNotRunning())));
    // A guest that powers off takes the socket with it: for a silent command that is the answer.
    socket.on('close', () =>
      done(() =>
        asked && silentOnSuccess.has(command) ? resolve(undefined) : reject(new AgentNotRunning()),
      ),
    );
    socket.on('data', (chunk: Buffer) => {
      try {
        const answers = stream.push(chunk);
        if (!asked && stream.synced) {
          asked = true;
          socket.write(
            `${JSON.stringify({ execute: command, ...(args !== undefined && { arguments: args }) })}\n`,
          );
          if (silentOnSuccess.has(command)) setTimeout(() => done(() => resolve(undefined)), silenceMs);
        }
        const answer = answers[0];
        if (answer === undefined) return;
        const { error } = answer;
        done(() => (error ? reject(new AgentError(error.class, error.desc)) : resolve(answer.return)));
      } catch (error) {
        done(() => reject(error as Error));
      }
    });
  });
}
