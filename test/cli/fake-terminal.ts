import type { Terminal } from '../../src/cli/terminal.ts';
import { plainPalette } from '../../src/errors/palette.ts';

/** A terminal that keeps what is written. */
export function fakeTerminal(options: { json?: boolean; isTTY?: boolean; columns?: number } = {}) {
  const texts = { out: '', err: '' };
  const stream = (name: 'out' | 'err') =>
    ({
      isTTY: options.isTTY ?? false,
      columns: options.columns ?? 80,
      write: (text: string) => {
        texts[name] += text;
        return true;
      },
    }) as unknown as NodeJS.WriteStream;
  const terminal: Terminal = {
    out: stream('out'),
    err: stream('err'),
    palette: plainPalette,
    talk: plainPalette,
    interactive: false,
    json: options.json ?? false,
    line: async () => undefined,
    ask: async () => '',
  };
  return { terminal, texts };
}
