import { createInterface } from 'node:readline/promises';
import { colourPalette, type Palette, plainPalette } from '../errors/palette.ts';

/** Where a command talks: results on `out`, talk on `err`. */
export interface Terminal {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  /** For results. */
  readonly palette: Palette;
  /** For talk. */
  readonly talk: Palette;
  /** A person can answer: both stdin and stderr are terminals. */
  readonly interactive: boolean;
  readonly json: boolean;
  /** Asks on stderr; only when `interactive`. Resolves with what was typed, without spaces around it. */
  ask(question: string): Promise<string>;
}

/** @param options `color: false` for --no-color; NO_COLOR counts when it is not empty (no-color.org) */
export function openTerminal(options: { color: boolean; json: boolean }, env: NodeJS.ProcessEnv): Terminal {
  const { stdin, stdout, stderr } = process;
  const colour = (stream: NodeJS.WriteStream) =>
    options.color && stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return {
    out: stdout,
    err: stderr,
    palette: colour(stdout) ? colourPalette : plainPalette,
    talk: colour(stderr) ? colourPalette : plainPalette,
    interactive: stdin.isTTY === true && stderr.isTTY === true && !options.json,
    json: options.json,
    async ask(question) {
      const reader = createInterface({ input: stdin, output: stderr });
      try {
        return (await reader.question(question)).trim();
      } finally {
        reader.close();
      }
    },
  };
}
