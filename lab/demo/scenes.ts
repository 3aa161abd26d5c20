import { plainText, type Span } from './terminal-text.ts';

type Line = readonly Span[];

/** From the first line that starts with `from` up to, and without, the next one that starts with `to`. */
interface Scene {
  readonly from: string;
  readonly to: string;
}

/** The moments that the README shows: the end of the plan's outline, the migration, the containers, the result. */
const chosen: readonly Scene[] = [
  { from: '== drayage plan', to: '  Prepare' },
  { from: '  Cutover', to: 'One of them' },
  { from: '== drayage apply', to: '== ' },
  { from: '== Where we are', to: '== ' },
  { from: '== The result', to: 'Left in' },
];

/** @throws Error when the recorded demo has not all of the scenes: it did not come to a good end */
export function scenes(lines: readonly Line[]): Line[] {
  const found: Line[] = [];
  let at = 0;
  for (const { from, to } of chosen) {
    const starts = (text: string) => (line: Line) => plainText(line).startsWith(text);
    const first = lines.findIndex((line, index) => index >= at && starts(from)(line));
    if (first < 0) throw new Error(`The recording has no line '${from}...': the demo did not get there.`);
    const next = lines.findIndex((line, index) => index > first && starts(to)(line));
    at = next < 0 ? lines.length : next;
    found.push(...withoutBlankEnd(lines.slice(first, at)), []);
  }
  return withoutBlankEnd(found);
}

function withoutBlankEnd(lines: readonly Line[]): Line[] {
  const last = lines.findLastIndex((line) => plainText(line).trim() !== '');
  return lines.slice(0, last + 1);
}
