import type { Event, Sink } from '../../apply/events.ts';
import { duration } from '../../plan/render/words.ts';
import type { Terminal } from '../terminal.ts';
import { progressText } from './amount.ts';
import { lastingLines, stepLine, workLines } from './lines.ts';
import { cellsOf, shorten } from './width.ts';

/** Seconds after which the line at the bottom says how long something takes. */
const patience = 3;
/** Milliseconds between two drawings of the same work: rsync tells of every file, and nobody reads that fast. */
const redrawAfter = 100;

/** What goes on now; `text` makes it fit. */
interface Status {
  readonly work: string;
  readonly text: (cells: number) => string;
  readonly since: number;
}

/** For a terminal: finished steps stay, and one line at the bottom says what is going on. */
export function liveProgress(terminal: Terminal): Sink {
  const { err, talk } = terminal;
  const titles = new Map<string, { number: number; of: number; title: string }>();
  let status: Status | undefined;
  let expected: number | undefined;
  let downSince: number | undefined;
  let drawn = -Infinity;
  const clear = () => {
    if (status !== undefined) err.write('\r\x1b[K');
  };
  const draw = () => {
    if (status === undefined) return;
    drawn = performance.now();
    const passed = downSince === undefined ? elapsed(status.since) : down(downSince, expected);
    // The last column stays free: writing into it makes some terminals wrap.
    const width = Math.max(20, (err.columns ?? 80) - 1);
    err.write(`\r\x1b[K${status.text(width - cellsOf(passed))}${passed}`);
  };
  const show = (work: string, text: Status['text']) => {
    const same = status?.work === work;
    status = { work, text, since: same && status !== undefined ? status.since : performance.now() };
    if (!same || performance.now() - drawn >= redrawAfter) draw();
  };
  // Work that says nothing for long is seen to go on. It keeps no process alive.
  setInterval(draw, 1000).unref();
  return (event: Event) => {
    if (event.type === 'step-started') {
      titles.set(event.step, event);
      const number = `${String(event.number).padStart(String(event.of).length)}/${event.of}`;
      return show(`step ${event.step}`, (cells) => shorten(`${number} ... ${event.title}`, cells));
    }
    if (event.type === 'operation-started')
      return show(`work ${event.what}`, (cells) => shorten(`      ${event.what}`, cells));
    if (event.type === 'progress')
      return show(`work ${event.what}`, (cells) => `      ${progressText(event, cells - 6)}`);
    if (event.type === 'operation-finished' || event.type === 'compared') return;
    clear();
    status = undefined;
    if (event.type === 'gate') expected = event.expectedWindowSeconds;
    if (event.type === 'window-opened') downSince = performance.now();
    if (event.type === 'window-closed' || event.type === 'run-finished') downSince = undefined;
    if (event.type === 'step-finished') {
      const step = titles.get(event.step);
      if (step !== undefined) err.write(`${stepLine(step, event, talk)}\n`);
      for (const line of workLines(event, talk)) err.write(`${line}\n`);
    }
    for (const line of lastingLines(event, talk)) err.write(`${line}\n`);
  };
}

/** How long the work at hand takes, once that is worth saying. */
function elapsed(since: number): string {
  const seconds = Math.floor((performance.now() - since) / 1000);
  return seconds < patience ? '' : `  ${duration(seconds)}`;
}

/** While workloads are down: for how long, beside what was projected. */
function down(since: number, expected: number | undefined): string {
  const seconds = Math.floor((performance.now() - since) / 1000);
  return `  down ${duration(seconds)}${expected === undefined ? '' : ` of about ${duration(expected)}`}`;
}
