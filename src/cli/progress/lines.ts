import type { Event } from '../../apply/events.ts';
import type { Palette } from '../../errors/palette.ts';
import { duration } from '../../plan/render/words.ts';
import { countedText } from './amount.ts';

/** The lines that stay: one event -> what a person reads of it. Nothing for what only moves a status line. */
export function lastingLines(event: Event, palette: Palette): string[] {
  switch (event.type) {
    case 'run-started':
      return [`Run ${event.run}, plan ${event.plan}`];
    case 'gate':
      return projection(event);
    case 'window-opened':
      return [palette.warn(`The window is open: the workloads of phase ${event.phase} are going down.`)];
    case 'window-closed':
      return [palette.good(`The window is closed: ${windowText(event.seconds, event.expectedSeconds)}.`)];
    case 'message':
      return [
        event.level === 'error'
          ? palette.bad(event.text)
          : event.level === 'warning'
            ? palette.warn(event.text)
            : event.text,
      ];
    case 'step-started':
    case 'step-finished':
    case 'operation-started':
    case 'operation-finished':
    case 'progress':
    case 'waiting':
    case 'compared':
    case 'run-finished':
      return [];
  }
}

/** `projected 21 s, was 19.3 s`; `it was 19.3 s` where nothing was projected. */
export function windowText(seconds: number, expectedSeconds: number | undefined): string {
  const was = seconds < 90 ? `${seconds.toFixed(1)} s` : `${duration(seconds)} (${seconds.toFixed(1)} s)`;
  return expectedSeconds === undefined
    ? `it was ${was}`
    : `projected ${duration(expectedSeconds)}, was ${was}`;
}

/** What the downtime is likely to be made of, before anybody is asked. */
function projection(gate: Extract<Event, { type: 'gate' }>): string[] {
  const parts = (gate.parts ?? []).map(({ what, seconds }) => ({ what, took: duration(seconds) }));
  const width = Math.max(...parts.map(({ took }) => took.length));
  return [
    `Projected window of phase ${gate.phase}: about ${duration(gate.expectedWindowSeconds)}`,
    ...parts.map(({ what, took }) => `  ${took.padStart(width)}  ${what}`),
  ];
}

/** How a finished step reads. */
export function stepLine(
  step: { number: number; of: number; title: string },
  finished: Extract<Event, { type: 'step-finished' }>,
  palette: Palette,
): string {
  const place = palette.dim(`${String(step.number).padStart(String(step.of).length)}/${step.of}`);
  const sign = { 'in-place': palette.dim('='), done: palette.good('+'), failed: palette.bad('x') }[
    finished.outcome
  ];
  const [only, ...more] = finished.counted ?? [];
  const counted = only === undefined || more.length > 0 ? '' : countedText(only);
  const took = `${finished.seconds.toFixed(1)} s${counted === '' ? '' : `  ${counted}`}`;
  const tail = palette.dim(finished.outcome === 'in-place' ? 'in place' : took);
  return `${place} ${sign} ${step.title}  ${tail}`;
}

/** Where a step had several pieces of work: a line for each, below the step's. */
export function workLines(finished: Extract<Event, { type: 'step-finished' }>, palette: Palette): string[] {
  const { counted = [] } = finished;
  if (counted.length < 2) return [];
  return counted.map((work) => palette.dim(`      ${work.what}  ${countedText(work)}`.trimEnd()));
}
