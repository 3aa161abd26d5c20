import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter();
const mark = '...';

/** Text for one line of a terminal: what would move the cursor is a `?`. */
function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?');
}

/** Cells that a text takes on a terminal: wide characters take two, combining ones none. */
export function cellsOf(text: string): number {
  return stringWidth(text);
}

/** A text that takes at most so many cells, cut between characters as people see them; what was cut ends with `...`. */
export function shorten(text: string, cells: number): string {
  const whole = clean(text);
  if (cellsOf(whole) <= cells) return whole;
  const end = mark.slice(0, Math.max(0, cells));
  let kept = '';
  let room = cells - end.length;
  for (const { segment } of graphemes.segment(whole)) {
    room -= cellsOf(segment);
    if (room < 0) break;
    kept += segment;
  }
  return kept + end;
}
