import type { Event, Sink } from '../../apply/events.ts';
import { duration } from '../../plan/render/words.ts';
import type { Terminal } from '../terminal.ts';
import { progressText } from './amount.ts';
import { lastingLines, stepLine } from './lines.ts';

/** Seconds after which the line at the bottom says how long something takes. */
const patience = 3;

/** For a terminal: finished steps stay, and one line at the bottom says what is going on. */
export function liveProgress(terminal: Terminal): Sink {
  const { err, talk } = terminal;
  const titles = new Map<string, { number: number; of: number; title: string }>();
  let status: { text: string; since: number } | undefined;
  const clear = () => {
    if (status !== undefined) err.write('\r\x1b[K');
  };
  const draw = () => {
    if (status === undefined) return;
    const seconds = Math.floor((performance.now() - status.since) / 1000);
    const passed = seconds < patience ? '' : `  ${duration(seconds)}`;
    const width = Math.max(20, (err.columns ?? 80) - 1);
    err.write(`\r\x1b[K${status.text.slice(0, width - passed.length)}${passed}`);
  };
  /** One line about what goes on now. */
  const show = (text: string) => {
    status = { text, since: performance.now() };
    draw();
  };
  let told = -Infinity;
  /** More about the same work: its time goes on. rsync tells of every file, and nobody reads that fast. */
  const tell = (text: string) => {
    status = { text, since: status?.since ?? performance.now() };
    if (performance.now() - told < 100) return;
    told = performance.now();
    draw();
  };
  // Work that says nothing for long is seen to go on. It keeps no process alive.
  setInterval(draw, 1000).unref();
  return (event: Event) => {
    if (event.type === 'step-started') {
      titles.set(event.step, event);
      show(`${String(event.number).padStart(String(event.of).length)}/${event.of} ... ${event.title}`);
      return;
    }
    if (event.type === 'operation-started') return show(`      ${event.what}`);
    if (event.type === 'progress') return tell(`      ${progressText(event)}`);
    if (event.type === 'operation-finished') return;
    clear();
    status = undefined;
    if (event.type === 'step-finished') {
      const step = titles.get(event.step);
      if (step !== undefined) err.write(`${stepLine(step, event, talk)}\n`);
    }
    for (const line of lastingLines(event, talk)) err.write(`${line}\n`);
  };
}
