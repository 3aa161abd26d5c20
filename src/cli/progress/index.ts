import type { Sink } from '../../apply/events.ts';
import type { Terminal } from '../terminal.ts';
import { liveProgress } from './live.ts';
import { plainProgress } from './plain.ts';

/** The renderer that fits: JSON lines on stdout, a live line on a terminal, plain lines elsewhere. */
export function openProgress(terminal: Terminal): Sink {
  if (terminal.json) {
    return (event) => terminal.out.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
  }
  return terminal.err.isTTY === true ? liveProgress(terminal) : plainProgress(terminal);
}
