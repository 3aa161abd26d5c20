/** Faults on request: a file in the state folder lists them, so that a test in another process can ask for one. */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { replaceFile } from './section-config.ts';

export interface Fault {
  method: string;
  /** The path below /api2/json, matched whole as a regular expression. */
  path: string;
  /**
   * What is answered. `reset` closes the connection without an answer. 596 is what a proxy's timeout gives. `hold` keeps
   * the request until `tellHeld` says what becomes of it, whether somebody still waits for the answer or not.
   */
  answer: { status: number; message: string } | 'reset' | 'hold';
  /** `after`: the work is done all the same, and only the answer is lost; of `hold`: is held when the work is done. */
  when: 'before' | 'after';
  /** How many requests it meets. Default 1. */
  times?: number;
}

const fileOf = (stateFolder: string): string => join(stateFolder, 'faults.json');

/** Asks for a fault; each further call adds one. */
export function injectFault(stateFolder: string, fault: Fault): void {
  replaceFile(fileOf(stateFolder), JSON.stringify([...readFaults(stateFolder), fault]));
}

export function clearFaults(stateFolder: string): void {
  replaceFile(fileOf(stateFolder), '[]');
}

function readFaults(stateFolder: string): Fault[] {
  const file = fileOf(stateFolder);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Fault[]) : [];
}

/** The fault that meets this request, taken off the list. */
export function takeFault(stateFolder: string, method: string, path: string): Fault | undefined {
  const faults = readFaults(stateFolder);
  const index = faults.findIndex(
    (fault) => fault.method === method && new RegExp(`^(?:${fault.path})$`).test(path),
  );
  const fault = faults[index];
  if (!fault) return undefined;
  const left = (fault.times ?? 1) - 1;
  faults.splice(index, 1, ...(left > 0 ? [{ ...fault, times: left }] : []));
  replaceFile(fileOf(stateFolder), JSON.stringify(faults));
  return fault;
}

/** A request that is held. */
export interface Held {
  id: string;
  method: string;
  path: string;
  /** The work is done, and only the answer is held. */
  performed: boolean;
}

/** Longer than anybody waits for an answer; nobody who forgets a request keeps the node from ending. */
const heldLimitMs = 300_000;

/** Resolves when somebody has told what becomes of the request. */
export async function holdRequest(stateFolder: string, request: Omit<Held, 'id'>): Promise<'go' | 'drop'> {
  const id = randomUUID();
  const file = join(stateFolder, `held-${id}.json`);
  const verdict = `${file}.verdict`;
  replaceFile(file, JSON.stringify({ id, ...request }));
  try {
    for (const end = Date.now() + heldLimitMs; Date.now() < end; await sleep(20))
      if (existsSync(verdict)) return readFileSync(verdict, 'utf8') === 'go' ? 'go' : 'drop';
    return 'drop';
  } finally {
    for (const name of [file, verdict]) rmSync(name, { force: true });
  }
}

export function heldRequests(stateFolder: string): Held[] {
  return readdirSync(stateFolder)
    .filter((name) => /^held-.*\.json$/.test(name))
    .flatMap((name) => {
      try {
        return [JSON.parse(readFileSync(join(stateFolder, name), 'utf8')) as Held];
      } catch (error) {
        // Its end came between the two looks.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    });
}

/** `go`: the work is done, or the answer is sent; `drop`: neither. */
export function tellHeld(stateFolder: string, id: string, verdict: 'go' | 'drop'): void {
  replaceFile(join(stateFolder, `held-${id}.json.verdict`), verdict);
}
