import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGigabytes: number;
  readonly kernel: string;
  /** First line of each tool's own `--version`; absent tools are left out. */
  readonly tools: Readonly<Record<string, string>>;
  /** Runnable processes over the last minute when the bench began: above a few tenths, it was not alone. */
  readonly load: number;
}

const versions: Readonly<Record<string, readonly string[]>> = {
  rsync: ['rsync', '--version'],
  fpsync: ['sh', '-c', 'fpsync -h | head -n 1'],
  tar: ['tar', '--version'],
  ssh: ['ssh', '-V'],
  xxhsum: ['xxhsum', '--version'],
  b3sum: ['b3sum', '--version'],
};

export function describeMachine(load: number): Machine {
  const tools: Record<string, string> = { node: process.version };
  for (const [tool, [command, ...argv]] of Object.entries(versions)) {
    try {
      const said = execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', command as string, ...argv]).toString('utf8');
      tools[tool] = said.split('\n')[0]?.trim() ?? '';
    } catch {
      // Not installed.
    }
  }
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    tools,
    load,
  };
}
