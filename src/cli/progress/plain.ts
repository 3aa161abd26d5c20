import type { Event, Sink } from '../../apply/events.ts';
import type { Terminal } from '../terminal.ts';
import { progressText } from './amount.ts';
import { lastingLines, stepLine, workLines } from './lines.ts';

/** Seconds between two lines about the same work, so that a log stays readable. */
const quietSeconds = 10;

/** For logs and pipes: one line for what happened, and now and then one for what goes on. */
export function plainProgress(terminal: Terminal, now: () => number = Date.now): Sink {
  const { err, talk } = terminal;
  const titles = new Map<string, { number: number; of: number; title: string }>();
  let last = now();
  return (event: Event) => {
    const lines = lastingLines(event, talk);
    if (event.type === 'step-started') {
      titles.set(event.step, event);
      last = now();
    }
    if (event.type === 'step-finished') {
      const step = titles.get(event.step);
      if (step !== undefined) lines.push(stepLine(step, event, talk), ...workLines(event, talk));
    }
    if (event.type === 'progress' && now() - last >= quietSeconds * 1000) {
      last = now();
      lines.push(`      ${progressText(event)}`);
    }
    for (const line of lines) err.write(`${line}\n`);
  };
}
