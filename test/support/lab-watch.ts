import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabPaths } from '../../lab/room/layout.ts';
import { inRoomNetwork, needRoom } from '../../lab/room/room.ts';
import { quoteArgument } from '../../src/ssh/quote.ts';

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

interface Sample {
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

/** Looks at both guests every second or so, each over one ssh connection of its own, until it is stopped. */
export function watchBoth(paths: LabPaths): { stop(): Promise<readonly Sample[]> } {
  const samples: Sample[] = [];
  const room = needRoom(paths);
  const children = ['doc1', 'doc2'].map((host): ChildProcess => {
    const loop = `${watcherMark} while :; do echo begin; ${lookOnce}; echo end; sleep 1; done`;
    const argv = inRoomNetwork(room, ['ssh', '-F', paths.sshConfig, host, `sh -c ${quoteArgument(loop)}`]);
    const child = spawn(argv[0] as string, argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
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
    return child;
  });
  return {
    async stop() {
      await sleep(2_000);
      for (const child of children) {
        if (child.exitCode !== null) throw new Error(`the watcher ended by itself with ${child.exitCode}`);
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        await gone;
      }
      return samples;
    },
  };
}

/**
 * Law 2, as far as it can be seen from outside: each workload is seen on doc1, then on none, then on doc2. A look on
 * doc1 that began after a look on doc2 had ended proves two writers, or a way back that nobody asked for.
 * @returns what contradicts it; empty when nothing does.
 */
export function twoWriters(samples: readonly Sample[]): string[] {
  return workloads.flatMap((name) => {
    const seen = (host: string) =>
      samples.filter((sample) => sample.host === host && sample.running.includes(name));
    const [last, first] = [seen('doc1').at(-1), seen('doc2')[0]];
    if (last === undefined) return [`${name} was never seen on doc1`];
    if (first === undefined) return [`${name} was never seen on doc2`];
    return last.to <= first.to
      ? []
      : [`${name} was seen on doc1 ${(last.to - first.to) / 1000} s after it was seen on doc2`];
  });
}
