import { connect, type Socket } from 'node:net';
import { JsonLines } from './json-lines.ts';

interface QmpAnswer {
  QMP?: unknown;
  return?: unknown;
  error?: { class: string; desc: string };
  event?: string;
  id?: number;
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/** A connection to QEMU's own control socket (QMP). */
export class Qmp {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Connects and leaves the negotiation mode. Rejects when QEMU does not greet within `timeoutMs`. */
  static async connect(path: string, timeoutMs = 10_000): Promise<Qmp> {
    const socket = connect(path);
    const qmp = new Qmp(socket);
    const greeted = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no greeting on ${path}`)), timeoutMs);
      const lines = new JsonLines();
      socket.on('data', (chunk: Buffer) => {
        for (const answer of lines.push(chunk) as QmpAnswer[]) {
          if (answer.QMP !== undefined) {
            clearTimeout(timer);
            resolve();
          } else qmp.#settle(answer);
        }
      });
      socket.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      socket.on('close', () => {
        clearTimeout(timer);
        reject(new Error(`${path} closed`));
        qmp.#failAll(new Error('QEMU closed its control socket'));
      });
    });
    try {
      await greeted;
      await qmp.execute('qmp_capabilities');
      return qmp;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** Runs one QMP command. Rejects with QEMU's own description, or when no answer comes within `timeoutMs`. */
  execute(command: string, args?: Record<string, unknown>, timeoutMs = 5_000): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`QMP ${command}: no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      const settled =
        <T>(next: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          next(value);
        };
      this.#waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
      this.#socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }), id })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #settle(answer: QmpAnswer): void {
    if (answer.id === undefined) return;
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.error) waiting?.reject(new Error(answer.error.desc));
    else waiting?.resolve(answer.return);
  }

  #failAll(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
