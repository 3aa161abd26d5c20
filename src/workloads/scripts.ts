import { type Start, startsOf } from './starts.ts';

/** A line of a crontab, or of a script, that was read. */
export interface NumberedLine {
  readonly number: number;
  readonly text: string;
}

/** A command that cron runs. */
export interface CronJob {
  /** Line of the file. */
  readonly line: number;
  /** undefined: root. */
  readonly user?: string;
  readonly words: readonly string[];
}

/** Reads what `grep -n` prints: `12:text`. */
export function numberedLines(text: string): NumberedLine[] {
  return text.split('\n').flatMap((line) => {
    const found = /^(\d+):(.*)$/.exec(line);
    return found === null ? [] : [{ number: Number(found[1]), text: (found[2] as string).trim() }];
  });
}

/**
 * The jobs of a crontab (crontab(5), anacrontab(5)); comments and variables are passed over.
 * @param whose `system`: each line names its user; `anacron`: three fields before the command, root's; otherwise the user whose crontab it is
 */
export function cronJobs(
  lines: readonly NumberedLine[],
  whose: 'system' | 'anacron' | { readonly user: string },
): CronJob[] {
  return lines.flatMap(({ number, text }) => {
    if (text === '' || text.startsWith('#') || /^[A-Za-z_"'][\w"']*\s*=/.test(text)) return [];
    // An unescaped % ends the command; what follows is its input.
    const words = (/^(?:\\%|[^%])*/.exec(text)?.[0] ?? '').split(/\s+/);
    const rest = words.slice(whose === 'anacron' ? 3 : text.startsWith('@') ? 1 : 5);
    const user = whose === 'anacron' ? 'root' : whose === 'system' ? rest[0] : whose.user;
    const command = whose === 'system' ? rest.slice(1) : rest;
    if (user === undefined || command.length === 0) return [];
    return [{ line: number, ...(user === 'root' ? {} : { user }), words: command }];
  });
}

/** What a line of a shell starts with podman, docker or compose. */
export function startsInLine(words: readonly string[]): Start[] {
  return words[0]?.startsWith('#') ? [] : startsOf('sh', ['sh', '-c', ...words]);
}

/** The same of a script, by the lines of it that name an engine. */
export function startsInScript(lines: readonly NumberedLine[]): Start[] {
  return lines.flatMap(({ text }) => startsInLine(text.split(/\s+/)));
}

/** Files that a command may run which did not come with a package: absolute paths outside of the system's own folders. */
export function scriptsOf(words: readonly string[]): string[] {
  return words
    .map((word) => word.replace(/^["'(]+|["');]+$/g, ''))
    .filter((word) => /^\/[^*?$=]+$/.test(word))
    .filter((path) => !/^\/((usr\/)?(s?bin|lib|lib64|libexec|share)|nix|proc|sys|dev|run)(\/|$)/.test(path));
}
