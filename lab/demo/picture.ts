import { type Colour, plainText, type Span } from './terminal-text.ts';

/** Characters that fit into a line of the picture; the rest of a longer one is cut off. */
export const pictureColumns = 116;

const font = { size: 13, width: 7.83, line: 18 };
const margin = 18;
/** A dark ground of its own, so that it reads the same on a light and on a dark page. */
const ground = '#161b22';
const ink = { plain: '#d5dbe3', dim: '#8b949e', bold: '#ffffff' };
const colours: Record<Colour, string> = { red: '#ff7b72', green: '#56d364', yellow: '#e3b341' };

/** Lines of a terminal as a standing SVG picture. @param title read aloud in place of the picture */
export function picture(lines: readonly (readonly Span[])[], title: string): string {
  const width = Math.round(pictureColumns * font.width + 2 * margin);
  const height = lines.length * font.line + 2 * margin;
  const rows = lines.flatMap((line, index) => {
    const kept = cut(line);
    const length = plainText(kept).length;
    if (plainText(kept).trim() === '') return [];
    const y = margin + (index + 1) * font.line - 5;
    // The length is fixed, so that whatever monospaced font is there fills the same columns.
    const place = `x="${margin}" y="${y}" textLength="${(length * font.width).toFixed(1)}"`;
    return [`<text ${place}>${kept.map(tspan).join('')}</text>`];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" rx="8" fill="${ground}"/>`,
    `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="${font.size}" fill="${ink.plain}" xml:space="preserve">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function cut(line: readonly Span[]): Span[] {
  let room = pictureColumns;
  const kept: Span[] = [];
  for (const span of line) {
    const text = [...span.text];
    if (text.length > room) {
      kept.push({ ...span, text: `${text.slice(0, Math.max(0, room - 1)).join('')}…` });
      return kept;
    }
    kept.push(span);
    room -= text.length;
  }
  const last = kept.at(-1);
  if (last !== undefined) kept[kept.length - 1] = { ...last, text: last.text.trimEnd() };
  return kept;
}

function tspan(span: Span): string {
  const fill = span.colour ? colours[span.colour] : span.dim ? ink.dim : span.bold ? ink.bold : undefined;
  const look = `${fill === undefined ? '' : ` fill="${fill}"`}${span.bold ? ' font-weight="bold"' : ''}`;
  return look === '' ? escaped(span.text) : `<tspan${look}>${escaped(span.text)}</tspan>`;
}

/** Text of an XML document; what XML 1.0 cannot hold is shown as a question mark. */
const escaped = (text: string) =>
  text
    .replace(/[^\t\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
