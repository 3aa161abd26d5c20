import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { quoteArgument } from '../../src/ssh/quote.ts';
import type { LabPaths } from '../room/layout.ts';
import { inRoomNetwork, needRoom } from '../room/room.ts';

/** The workloads of doc1: each has one of these as long as it runs. */
export const workloads = ['app', 'web', 'writer', 'notes', 'housekeeping'] as const;
type Workload = (typeof workloads)[number];

/** Whoever sent this command to a guest was the watcher. */
export const watcherMark = ': lab-watcher;';

/**
 * Containers by their conmon, which lives as long as they do and costs less to find than `podman ps`. A timer counts
 * when it is at work and what it starts is not refused: AssertResult is `no` before the first try.
 */
const lookOnce = [
  "ps -eo args= | sed -n 's/^.*conmon .* -n \\([a-z]*\\) .*$/\\1/p'",
  'if systemctl is-active --quiet housekeeping.timer && [ "$(systemctl show -P AssertResult housekeeping.service)" = yes ]; then echo housekeeping; fi',
].join('; ');

export interface Sample {
  readonly host: string;
  /** Milliseconds of this machine: the look was made between these two. */
  readonly from: number;
  readonly to: number;
  readonly running: readonly Workload[];
}

function parse(text: string): Workload[] {
  const names = new Set(text.split('\n'));
  return workloads.filter((name) => names.has(name));
}

/** What runs on a guest now. */
export async function runningOn(
  ssh: (
    host: string,
    argv: readonly string[],
  ) => Promise<{ exitCode: number; stdout: Buffer; stderr: Buffer }>,
  host: string,
): Promise<Workload[]> {
  const answer = await ssh(host, ['sh', '-c', `${watcherMark} ${lookOnce}`]);
  if (answer.exitCode !== 0) throw new Error(`${host} cannot be watched: ${answer.stderr}`);
  return parse(answer.stdout.toString());
}

export interface Watch {
  /** All looks so far. */
  readonly samples: readonly Sample[];
  stop(): Promise<readonly Sample[]>;
}

/**
 * Looks at both guests every second or so, each over one ssh connection of its own, until it is stopped.
 * @param patient a guest that is off is looked at again when it is back; else that is an error
 */
export function watchBoth(paths: LabPaths, { patient = false } = {}): Watch {
  const samples: Sample[] = [];
  const room = needRoom(paths);
  const children = new Map<string, ChildProcess>();
  let stopped = false;
  const watch = (host: string) => {
    const loop = `${watcherMark} while :; do echo begin; ${lookOnce}; echo end; sleep ${patient ? 3 : 1}; done`;
    const alive = patient ? ['-o', 'ServerAliveInterval=5', '-o', 'ConnectTimeout=5'] : [];
    const argv = inRoomNetwork(room, [
      ...['ssh', '-F', paths.sshConfig, ...alive, host],
      `sh -c ${quoteArgument(loop)}`,
    ]);
    const stderr = patient ? 'ignore' : 'inherit';
    const child = spawn(argv[0] as string, argv.slice(1), { stdio: ['ignore', 'pipe', stderr] });
    children.set(host, child);
    let rest = '';
    // The look whose names have come began after the end of the one before.
    let from = Date.now();
    child.stdout?.on('data', (chunk: Buffer) => {
      rest += chunk.toString();
      for (let end = rest.indexOf('end\n'); end !== -1; end = rest.indexOf('end\n')) {
        samples.push({ host, from, to: Date.now(), running: parse(rest.slice(0, end)) });
        from = Date.now();
        rest = rest.slice(end + 'end\n'.length);
      }
    });
    if (patient) child.once('exit', () => setTimeout(() => stopped || watch(host), 1_000));
  };
  for (const host of ['doc1', 'doc2']) watch(host);
  return {
    samples,
    async stop() {
      await sleep(2_000);
      stopped = true;
      for (const child of children.values()) {
        if (child.exitCode !== null || child.signalCode !== null) {
          if (patient) continue;
          throw new Error(`the watcher ended by itself with ${child.exitCode}`);
        }
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        await gone;
      }
      return samples;
    },
  };
}

/**
 * Law 2, as far as it can be seen from outside: a look on the guest it leaves that began after a look on the other had
 * ended proves two writers, or a way back that nobody asked for.
 * @returns what contradicts it; empty when nothing does.
 */
export function overlaps(samples: readonly Sample[], [from, to] = there): string[] {
  return workloads.flatMap((name) => {
    const [last, first] = [seenOn(from, name, samples).at(-1), seenOn(to, name, samples)[0]];
    if (last === undefined || first === undefined || last.to <= first.to) return [];
    return [`${name} was seen on ${from} ${(last.to - first.to) / 1000} s after it was seen on ${to}`];
  });
}

/** Which guest a workload leaves, and which it comes to. */
type Way = readonly ['doc1' | 'doc2', 'doc1' | 'doc2'];
const there: Way = ['doc1', 'doc2'];
export const andBack: Way = ['doc2', 'doc1'];

/** Of a whole move: each workload is seen on one guest, then on none, then on the other. @returns what contradicts it */
export function twoWriters(samples: readonly Sample[], way = there): string[] {
  const missing = workloads.flatMap((name) =>
    ['doc1', 'doc2']
      .filter((host) => seenOn(host, name, samples).length === 0)
      .map((host) => `${name} was never seen on ${host}`),
  );
  return [...missing, ...overlaps(samples, way)];
}

const seenOn = (host: string, name: Workload, samples: readonly Sample[]) =>
  samples.filter((sample) => sample.host === host && sample.running.includes(name));
