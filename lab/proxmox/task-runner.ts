/** Tasks: each has a UPID and a log file whose last line is its result. The log files are the only memory. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatUpid, parseUpid, type Upid } from './upid.ts';

/** What the body of a task may use. */
export interface TaskScope {
  log(line: string): void;
  /** Aborted when the task is stopped. */
  signal: AbortSignal;
}

export interface TaskStart {
  node: string;
  type: string;
  id: string;
  /** `user@realm!token` of the one who asked. */
  user: string;
}

export interface TaskRecord extends Upid {
  upid: string;
  running: boolean;
  /** Only of a task that has ended. */
  exitstatus?: string;
  endtime?: number;
}

export interface TaskRunner {
  /** Starts a task and returns its UPID at once. */
  start(task: TaskStart, body: (scope: TaskScope) => Promise<void>): string;
  /** Newest first. */
  list(): TaskRecord[];
  find(upid: string): TaskRecord | undefined;
  /** Undefined when the file is missing. */
  log(upid: string): string[] | undefined;
  stop(upid: string): void;
  /** Resolves when the task has ended. */
  ended(upid: string): Promise<void>;
  /** Resolves when the task has ended, or after the time. */
  endedWithin(upid: string, ms: number): Promise<void>;
  /** Stops every task and waits for it. */
  close(): Promise<void>;
}

export function createTaskRunner(folder: string): TaskRunner {
  mkdirSync(folder, { recursive: true });
  const running = new Map<string, { abort: AbortController; done: Promise<void> }>();
  let pid = 0x1000 + (process.pid % 0x1000);
  const file = (upid: string) => join(folder, upid);

  const find = (upid: string): TaskRecord | undefined => {
    const parsed = parseUpid(upid);
    if (!parsed || !existsSync(file(upid))) return undefined;
    if (running.has(upid)) return { ...parsed, upid, running: true };
    return {
      ...parsed,
      upid,
      running: false,
      exitstatus: exitStatus(readFileSync(file(upid), 'utf8')),
      endtime: Math.floor(statSync(file(upid)).mtimeMs / 1000),
    };
  };

  return {
    start(task, body) {
      pid += 1;
      const upid = formatUpid({
        ...task,
        pid,
        pstart: Math.floor(process.uptime() * 100),
        starttime: Math.floor(Date.now() / 1000),
      });
      writeFileSync(file(upid), '');
      const abort = new AbortController();
      const done = runBody(file(upid), body, abort.signal).finally(() => running.delete(upid));
      running.set(upid, { abort, done });
      return upid;
    },
    list: () =>
      readdirSync(folder)
        .map(find)
        .filter((task) => task !== undefined)
        .sort((a, b) => b.starttime - a.starttime || b.pid - a.pid),
    find,
    log: (upid) =>
      existsSync(file(upid)) ? readFileSync(file(upid), 'utf8').split('\n').slice(0, -1) : undefined,
    stop: (upid) => running.get(upid)?.abort.abort(),
    ended: async (upid) => {
      await running.get(upid)?.done;
    },
    async endedWithin(upid, ms) {
      const timer = new AbortController();
      const late = sleep(ms, undefined, { signal: timer.signal }).catch(() => {});
      await Promise.race([late, running.get(upid)?.done]);
      timer.abort();
    },
    async close() {
      const all = [...running.values()];
      for (const task of all) task.abort.abort();
      await Promise.all(all.map((task) => task.done));
    },
  };
}

async function runBody(
  file: string,
  body: (scope: TaskScope) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const log = (line: string) => appendFileSync(file, `${line}\n`);
  // The UPID is handed out before the work begins, as a forked worker does.
  await new Promise((resolve) => setImmediate(resolve));
  try {
    await body({ log, signal });
    log('TASK OK');
  } catch (error) {
    const message = signal.aborted
      ? 'received interrupt'
      : error instanceof Error
        ? error.message
        : String(error);
    log(`TASK ERROR: ${message.trim().replaceAll('\n', ' ')}`);
  }
}

/** The result that a log's last line tells. */
function exitStatus(log: string): string {
  const last = log.trimEnd().split('\n').at(-1) ?? '';
  if (last === '') return 'unable to get last line from task log - file is empty';
  if (last === 'TASK OK') return 'OK';
  const other = /^TASK (?:ERROR: (.*)|(WARNINGS: \d+))$/.exec(last);
  return other?.[1] ?? other?.[2] ?? 'unexpected status';
}
