import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface BuildTalk {
  /** Of the lines that are told. */
  readonly prefix: string;
  readonly log: (line: string) => void;
  /** The error for a build that failed. */
  readonly failed: (seen: string) => Error;
}

/** Runs a build script in namespaces that end with this process: mounts, loop devices and processes go with them. */
export async function buildInNamespaces(
  script: string,
  args: readonly string[],
  { prefix, log, failed }: BuildTalk,
): Promise<void> {
  const child = spawn(
    'setpriv',
    [
      ...[
        '--pdeathsig',
        'KILL',
        'unshare',
        '--mount',
        '--pid',
        '--fork',
        '--kill-child=KILL',
        '--mount-proc',
      ],
      ...['bash', script, ...args],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C.UTF-8' } },
  );
  const lastLines: string[] = [];
  const listen = (line: string): void => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    if (line.startsWith(prefix)) log(line);
  };
  createInterface({ input: child.stdout }).on('line', listen);
  createInterface({ input: child.stderr }).on('line', listen);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw failed(`The build ended with ${code ?? 'a signal'}. Its last lines:\n${lastLines.join('\n')}`);
}
