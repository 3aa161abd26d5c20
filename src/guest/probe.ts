import type { Host } from '../ssh/host.ts';
import { quoteArgv } from '../ssh/quote.ts';
import { guestError } from './errors.ts';
import { isReadOnly } from './read-only.ts';

/** What one command of a probe left behind. Text is UTF-8; bytes that are not become U+FFFD. */
export interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Commands that only look, by a key of the caller's choice. Their output must not contain NUL. */
export type Probes<K extends string> = Readonly<Record<K, readonly string[]>>;

/**
 * Asks a machine many things in one call: a call costs a tenth of a second and more, a command only a few milliseconds.
 * The commands run one after the other in one POSIX shell, with LC_ALL=C, so that messages are those of the manuals.
 * @throws `guest/not-read-only` for a command that could change something; `guest/unexpected-output` for a torn answer;
 * what `Host.run` throws when the machine cannot be asked.
 */
export async function probe<K extends string>(
  host: Host,
  probes: Probes<K>,
  timeoutSeconds = 300,
): Promise<Readonly<Record<K, Answer>>> {
  const keys = Object.keys(probes) as K[];
  if (keys.length === 0) return {} as Record<K, Answer>;
  const result = await host.run(['sh', '-c', probeScript(probes)], { timeoutSeconds });
  const parts = result.stdout.toString('utf8').split('\0');
  if (parts.length !== keys.length * 3 + 1) {
    throw guestError('guest/unexpected-output', {
      seen: `${host.name}: ${keys.length} questions were asked, the answer has ${Math.floor(parts.length / 3)} parts (exit code ${result.exitCode}): ${result.stderr.toString('utf8').trim()}`,
      next: [
        `log in to ${host.name} as drayage does and type: sh -c 'echo hello'   # a profile or banner that writes to stdout shows itself`,
        'drayage inspect',
      ],
    });
  }
  const answers = keys.map((key, index) => [
    key,
    {
      stdout: parts[index * 3] as string,
      exitCode: Number(parts[index * 3 + 1]),
      stderr: (parts[index * 3 + 2] as string).trim(),
    },
  ]);
  return Object.fromEntries(answers) as Record<K, Answer>;
}

/**
 * The script: each command's stdout, then NUL, exit code, NUL, stderr, NUL. stderr is caught in a variable while stdout
 * goes by on descriptor 3: no temporary file is needed.
 */
export function probeScript(probes: Probes<string>): string {
  const lines = Object.values(probes).map((argv) => {
    if (!isReadOnly(argv)) {
      throw guestError('guest/not-read-only', {
        seen: quoteArgv(argv),
        next: ['report this as a bug of drayage: inspection must only look'],
      });
    }
    const command = quoteArgv(argv);
    return `{ e=$(${command} 2>&1 1>&3 3>&- </dev/null); r=$?; } 3>&1; printf '\\0%s\\0%s\\0' "$r" "$e"`;
  });
  return ['LC_ALL=C; export LC_ALL', ...lines].join('\n');
}
