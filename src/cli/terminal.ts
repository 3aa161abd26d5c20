import { createInterface } from 'node:readline';
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
  /** Asks on stderr; only when `interactive`. What was typed, without spaces around it; undefined after Ctrl-D or Ctrl-C. */
  line(question: string): Promise<string | undefined>;
  /** The same, where no answer is no consent: an empty text. */
  ask(question: string): Promise<string>;
}

/** @param options `color: false` for --no-color; NO_COLOR counts when it is not empty (no-color.org) */
export function openTerminal(options: { color: boolean; json: boolean }, env: NodeJS.ProcessEnv): Terminal {
  const { stdin, stdout, stderr } = process;
  const line = (question: string) => readLine(stdin, stderr, question);
  const colour = (stream: NodeJS.WriteStream) =>
    options.color && stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return {
    out: stdout,
    err: stderr,
    palette: colour(stdout) ? colourPalette : plainPalette,
    talk: colour(stderr) ? colourPalette : plainPalette,
    interactive: stdin.isTTY === true && stderr.isTTY === true && !options.json,
    json: options.json,
    line,
    ask: async (question) => (await line(question)) ?? '',
  };
}

function readLine(
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
  question: string,
): Promise<string | undefined> {
  const reader = createInterface({ input, output });
  return new Promise((resolve) => {
    reader.question(question, (answer) => {
      resolve(answer.trim());
      reader.close();
    });
    // While it reads, the terminal sends Ctrl-C as a key, not as a signal; what waits for the signal gets it all the same.
    reader.once('SIGINT', () => {
      reader.close();
      output.write('\n');
      process.kill(process.pid, 'SIGINT');
    });
    // Ctrl-D. Without effect after an answer.
    reader.once('close', () => resolve(undefined));
  });
}
