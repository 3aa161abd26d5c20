import type { Event } from '../../apply/events.ts';
import type { Palette } from '../../errors/palette.ts';
import { duration } from '../../plan/render/words.ts';

/** The lines that stay: one event -> what a person reads of it. Nothing for what only moves a status line. */
export function lastingLines(event: Event, palette: Palette): string[] {
  switch (event.type) {
    case 'run-started':
      return [`Run ${event.run}, plan ${event.plan}`];
    case 'window-opened':
      return [palette.warn(`The window is open: the workloads of phase ${event.phase} are going down.`)];
    case 'window-closed':
      return [
        palette.good(
          `The window is closed: it was ${duration(event.seconds)} (${event.seconds.toFixed(1)} s).`,
        ),
      ];
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
    case 'gate':
    case 'waiting':
    case 'compared':
    case 'run-finished':
      return [];
  }
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
  const tail =
    finished.outcome === 'in-place'
      ? palette.dim('in place')
      : palette.dim(`${finished.seconds.toFixed(1)} s`);
  return `${place} ${sign} ${step.title}  ${tail}`;
}
