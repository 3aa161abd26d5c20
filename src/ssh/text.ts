import { sshError } from './errors.ts';
import type { Host, RunOptions, RunResult } from './host.ts';
import { quoteArgv } from './quote.ts';

/** The last lines of what a tool said, short enough for a message. */
function lastLines(output: Buffer | string, count = 20): string {
  return output.toString().trimEnd().split('\n').slice(-count).join('\n');
}

/** Runs a command that must succeed. Throws ssh/command-failed with the tool's own words. */
export async function runOk(host: Host, argv: readonly string[], options?: RunOptions): Promise<RunResult> {
  const result = await host.run(argv, options);
  if (result.exitCode === 0) return result;
  throw sshError('ssh/command-failed', {
    seen: `${host.name}: ${quoteArgv(argv)} ended with ${result.exitCode}: ${lastLines(result.stderr) || '(nothing on stderr)'}`,
    ...(result.exitCode === 127
      ? { meaning: 'There is no such program on that machine (exit code 127 of env(1)).' }
      : {}),
    next: [`on ${host.name}: ${quoteArgv(argv)}`],
  });
}

/** The stdout of a command that must succeed, as UTF-8 text without the newline at its end. */
export async function runText(host: Host, argv: readonly string[], options?: RunOptions): Promise<string> {
  return (await runOk(host, argv, options)).stdout.toString('utf8').replace(/\n$/, '');
}
