/** Faults on request: a file in the state folder lists them, so that a test in another process can ask for one. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from './section-config.ts';

export interface Fault {
  method: string;
  /** The path below /api2/json, matched whole as a regular expression. */
  path: string;
  /** What is answered. `reset` closes the connection without an answer. 596 is what a proxy's timeout gives. */
  answer: { status: number; message: string } | 'reset';
  /** `after`: the work is done all the same, and only the answer is lost. */
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
