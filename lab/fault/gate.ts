import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { heldRequests, tellHeld } from '../proxmox/fault-injection.ts';
import { type Intent, intentOf } from './points.ts';

/** What the harness says to a command that asks: see ssh.sh. */
export type Told = 'go' | 'hold' | 'during' | 'after';

/** A command of an operation that waits at the gate, or a request that the API holds. */
export type Waiting =
  | {
      readonly kind: 'command';
      readonly intent: Intent;
      readonly command: string;
      readonly id: string;
    }
  | { readonly kind: 'request'; readonly intent: Intent; readonly id: string; readonly performed: boolean };

export interface Gate {
  /** Environment for drayage. */
  readonly env: Readonly<Record<string, string>>;
  /** Aborted: drayage is killed at once. */
  readonly signal: AbortSignal;
  /** The first that waits now, and has not been told. */
  waiting(): Waiting | undefined;
  tell(waiting: Waiting, told: Told): Promise<void>;
  /** It is not shown again, and waits on. */
  leave(waiting: Waiting): void;
  /** Ends the connection of a command that is under way. */
  cut(waiting: Extract<Waiting, { kind: 'command' }>): void;
  /** Ends the connections that drayage has left behind, and removes its temporary files. */
  close(): Promise<void>;
  /** Ends what still waits: drayage is gone. A request that is held is dropped, or performed. */
  clear(request: 'go' | 'drop'): void;
}

/**
 * Where commands of operations stop on their way to a host, and requests on their way to the work.
 * @param folder of the gate itself
 * @param runs drayage's folder of runs
 * @param api state folder of the Proxmox emulator
 */
export function openGate(folder: string, runs: string, api: string, signal: AbortSignal): Gate {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'bin');
  mkdirSync(program, { recursive: true });
  // A file of its own, so that nothing else of this folder is in PATH.
  writeFileSync(join(program, 'ssh'), readFileSync(join(import.meta.dirname, 'ssh.sh')), { mode: 0o755 });
  const files = join(folder, 'asked');
  rmSync(files, { recursive: true, force: true });
  mkdirSync(files);
  const told = new Set<string>();
  // Connection sockets lie in it: their path must be short.
  const temporary = mkdtempSync(join(tmpdir(), 'fault-'));

  const asking = (ending: string) =>
    readdirSync(files)
      .filter((name) => name.endsWith(ending))
      .map((name) => name.slice(0, -ending.length));

  return {
    signal,
    env: {
      PATH: `${program}:${process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin'}`,
      FAULT_GATE: files,
      FAULT_RUNS: runs,
      TMPDIR: temporary,
    },
    waiting() {
      const intent = lastIntent(runs);
      if (intent === undefined) return undefined;
      for (const id of asking('.asked')) {
        if (told.has(id)) continue;
        const command = readFileSync(join(files, `${id}.asked`), 'utf8');
        return { kind: 'command', intent, id, command };
      }
      const held = heldRequests(api).find(({ id }) => !told.has(id));
      return held === undefined
        ? undefined
        : { kind: 'request', intent, id: held.id, performed: held.performed };
    },
    async tell(waiting, answer) {
      told.add(waiting.id);
      if (waiting.kind === 'request') {
        if (answer === 'go') tellHeld(api, waiting.id, 'go');
        return;
      }
      const at = (ending: string) => join(files, `${waiting.id}${ending}`);
      // Read whole or not at all.
      writeFileSync(at('.part'), answer);
      renameSync(at('.part'), at('.told'));
      const sign = answer === 'during' ? '.begun' : answer === 'after' ? '.ended' : undefined;
      for (const end = Date.now() + 300_000; sign !== undefined && !existsSync(at(sign)); ) {
        if (Date.now() > end) throw new Error(`the command did not end: ${waiting.command.slice(0, 300)}`);
        await sleep(20);
      }
    },
    leave(waiting) {
      told.add(waiting.id);
    },
    cut({ id }) {
      endGroup(pidOf(id), files);
    },
    async close() {
      for (const left of readdirSync(temporary, { withFileTypes: true, recursive: true }))
        if (left.isSocket())
          await execa('ssh', ['-S', join(left.parentPath, left.name), '-O', 'exit', 'left'], {
            reject: false,
          });
      rmSync(temporary, { recursive: true, force: true });
    },
    clear(request) {
      const begun = new Set(asking('.begun'));
      // What is under way ends by itself.
      for (const id of asking('.asked')) if (!begun.has(id)) endGroup(pidOf(id), files);
      for (const { id } of heldRequests(api)) tellHeld(api, id, request);
      for (const name of readdirSync(files)) rmSync(join(files, name), { force: true });
      told.clear();
    },
  };
}

const pidOf = (id: string) => Number.parseInt(id, 10);

/**
 * Each ssh of drayage leads a process group of its own (src/ssh/process.ts). A pid may be somebody else's by now: only a
 * group whose leader has asked at this gate is ended.
 */
function endGroup(pid: number, files: string): void {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    if (environment.includes(`FAULT_GATE=${files}`)) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** The operation at hand of the newest run. */
function lastIntent(runs: string): Intent | undefined {
  let newest: string | undefined;
  try {
    newest = readdirSync(runs).sort().at(-1);
    if (newest === undefined) return undefined;
    const text = readFileSync(join(runs, newest, 'journal.jsonl'), 'utf8');
    return intentOf(text.slice(text.lastIndexOf('\n', text.length - 2) + 1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
