import type { Event, Sink } from '../../apply/events.ts';
import type { Terminal } from '../terminal.ts';
import { progressText } from './amount.ts';
import { lastingLines, stepLine } from './lines.ts';

/** For a terminal: finished steps stay, and one line at the bottom says what is going on. */
export function liveProgress(terminal: Terminal): Sink {
  const { err, talk } = terminal;
  const titles = new Map<string, { number: number; of: number; title: string }>();
  let status = false;
  const clear = () => {
    if (status) err.write('\r\x1b[K');
    status = false;
  };
  const show = (text: string) => {
    clear();
    err.write(text.slice(0, Math.max(20, (err.columns ?? 80) - 1)));
    status = true;
  };
  return (event: Event) => {
    if (event.type === 'step-started') {
      titles.set(event.step, event);
      show(`${String(event.number).padStart(String(event.of).length)}/${event.of} ... ${event.title}`);
      return;
    }
    if (event.type === 'operation-started') return show(`      ${event.what}`);
    if (event.type === 'progress') return show(`      ${progressText(event)}`);
    if (event.type === 'operation-finished') return;
    clear();
    if (event.type === 'step-finished') {
      const step = titles.get(event.step);
      if (step !== undefined) err.write(`${stepLine(step, event, talk)}\n`);
    }
    for (const line of lastingLines(event, talk)) err.write(`${line}\n`);
  };
}
