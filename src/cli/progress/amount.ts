import type { Amount, Counted, Event } from '../../apply/events.ts';
import { bytes, duration } from '../../plan/render/words.ts';
import { cellsOf, shorten } from './width.ts';

type Progress = Extract<Event, { type: 'progress' }>;

/** Cells that the name of the work keeps beside the numbers. */
const leastName = 12;
/** What goes first where not all fits: the rate, then the bytes. Percent and the time left stay longest. */
const leastWanted = ['rate', 'bytes', 'entries', 'left', 'percent'] as const;

/** `rsync  34%  4,210 of 6,214 entries  120 MB of 310 MB  38 MB/s  about 5 s left`: only what is known. */
export function progressText(progress: Progress, cells = Infinity): string {
  const numbers = new Map(numbersOf(progress));
  const told = () => [...numbers.values()].map((number) => `  ${number}`).join('');
  for (const part of leastWanted) {
    if (cellsOf(told()) + Math.min(leastName, cellsOf(progress.what)) <= cells) break;
    numbers.delete(part);
  }
  return shorten(progress.what, cells - cellsOf(told())) + told();
}

function numbersOf(progress: Progress): [(typeof leastWanted)[number], string][] {
  const { percent, files, bytes: size, bytesPerSecond = 0, filesPerSecond = 0, secondsLeft } = progress;
  const parts: [(typeof leastWanted)[number], string][] = [];
  if (percent !== undefined) parts.push(['percent', `${percent}%`]);
  if (known(files)) parts.push(['entries', entriesText(files)]);
  if (known(size)) parts.push(['bytes', bytesText(size)]);
  if (bytesPerSecond > 0) parts.push(['rate', `${bytes(bytesPerSecond)}/s`]);
  else if (filesPerSecond >= 1)
    parts.push(['rate', `${Math.round(filesPerSecond).toLocaleString('en-US')} entries/s`]);
  if (secondsLeft !== undefined) parts.push(['left', `about ${duration(secondsLeft)} left`]);
  return parts;
}

/** What a finished work had counted: `6,214 entries, 310 MB`, or `4,210 of 6,214 entries` where it was not all. */
export function countedText({ files, bytes: size }: Counted): string {
  const parts = [...(known(files) ? [entriesText(files)] : []), ...(known(size) ? [bytesText(size)] : [])];
  return parts.join(', ');
}

function known({ done, total }: Amount): boolean {
  return done > 0 || (total !== undefined && total > 0);
}

function entriesText({ done, total }: Amount): string {
  const all = (total ?? done).toLocaleString('en-US');
  return total === undefined || total === done
    ? `${all} ${done === 1 ? 'entry' : 'entries'}`
    : `${done.toLocaleString('en-US')} of ${all} entries`;
}

function bytesText({ done, total }: Amount): string {
  return total === undefined || total === done ? bytes(done) : `${bytes(done)} of ${bytes(total)}`;
}
