import { appendFileSync } from 'node:fs';
import { z } from 'zod';

/** What the room tells its starter, one JSON line each. */
export const progressSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('begin'), text: z.string() }),
  z.object({ kind: z.literal('end'), text: z.string(), seconds: z.number() }),
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('failed'), text: z.string() }),
]);
export type Progress = z.infer<typeof progressSchema>;

/** One line for a person; nothing for events that are not for them. */
export function progressLine(event: Progress): string | undefined {
  switch (event.kind) {
    case 'begin':
      return `${event.text} ...`;
    case 'end':
      return `${event.text}: ${event.seconds.toFixed(1)} s`;
    case 'failed':
      return `failed: ${event.text}`;
    case 'ready':
      return undefined;
  }
}

/** Runs one step, and says what it is for before and how long it took after. */
export async function timed<T>(
  say: (event: Progress) => void,
  text: string,
  step: () => T | Promise<T>,
): Promise<T> {
  const start = performance.now();
  say({ kind: 'begin', text });
  const result = await step();
  say({ kind: 'end', text, seconds: (performance.now() - start) / 1000 });
  return result;
}

export const progressWriter = (file: string) => (event: Progress) =>
  appendFileSync(file, `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
