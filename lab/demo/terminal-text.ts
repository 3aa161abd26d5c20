/** How a piece of text looked on the terminal. */
interface Style {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly colour: Colour | undefined;
}
export type Colour = 'red' | 'green' | 'yellow';

/** Neighbouring characters of one style. */
export interface Span extends Style {
  readonly text: string;
}

const unstyled: Style = { bold: false, dim: false, colour: undefined };

/** Select Graphic Rendition, as far as drayage uses it (ECMA-48, 8.3.117). */
function styled(style: Style, code: number): Style {
  switch (code) {
    case 0:
      return unstyled;
    case 1:
      return { ...style, bold: true };
    case 2:
      return { ...style, dim: true };
    case 22:
      return { ...style, bold: false, dim: false };
    case 31:
      return { ...style, colour: 'red' };
    case 32:
      return { ...style, colour: 'green' };
    case 33:
      return { ...style, colour: 'yellow' };
    case 39:
      return { ...style, colour: undefined };
    default:
      throw new Error(`The recording has a style that the picture does not know: SGR ${code}`);
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const tokens = /\x1b\[([0-9;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+/gu;

/**
 * What stays on a terminal of a recorded output: each line as it looked when the next one began. Knows a carriage
 * return, the erasing of the rest of a line, and styles. Throws on any other escape sequence.
 */
export function terminalLines(recorded: string): Span[][] {
  const lines: Span[][] = [];
  let cells: { text: string; style: Style }[] = [];
  let column = 0;
  let style = unstyled;
  for (const [token, parameters = '', command] of recorded.matchAll(tokens)) {
    if (command === 'm') {
      for (const code of parameters.split(';')) style = styled(style, Number(code));
    } else if (command === 'K' && (parameters === '' || parameters === '0'))
      cells.length = Math.min(cells.length, column);
    else if (command !== undefined)
      throw new Error(`The recording has an unknown sequence: ESC [ ${parameters} ${command}`);
    else if (token === '\r') column = 0;
    else if (token === '\n') {
      lines.push(spans(cells));
      cells = [];
      column = 0;
    } else {
      for (const text of token) {
        while (cells.length < column) cells.push({ text: ' ', style: unstyled });
        cells[column++] = { text, style };
      }
    }
  }
  return lines;
}

function spans(cells: readonly { text: string; style: Style }[]): Span[] {
  const found: { text: string; style: Style }[] = [];
  for (const { text, style } of cells) {
    const last = found.at(-1);
    if (last !== undefined && same(last.style, style)) last.text += text;
    else found.push({ text, style });
  }
  return found.map(({ text, style }) => ({ text, ...style }));
}

const same = (a: Style, b: Style) => a.bold === b.bold && a.dim === b.dim && a.colour === b.colour;

export const plainText = (line: readonly Span[]): string => line.map((span) => span.text).join('');
