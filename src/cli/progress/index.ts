import type { Sink } from '../../apply/events.ts';
import type { Terminal } from '../terminal.ts';
import { liveProgress } from './live.ts';
import { plainProgress } from './plain.ts';
import { steady } from './steady.ts';

/** The renderer that fits: JSON lines on stdout, a live line on a terminal, plain lines elsewhere. */
export function openProgress(terminal: Terminal): Sink {
  if (terminal.json) {
    return steady((event) =>
      terminal.out.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`),
    );
  }
  return steady(terminal.err.isTTY === true ? liveProgress(terminal) : plainProgress(terminal));
}
