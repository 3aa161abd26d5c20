import type { Sink } from '../apply/events.ts';
import type { Gate } from '../apply/run.ts';
import type { Answer } from '../apply/waiting.ts';
import { duration } from '../plan/render/words.ts';
import type { Terminal } from './terminal.ts';

/**
 * Before a downtime: with `--window` it begins when it is projected to be at most that long, in seconds; on a terminal, when
 * the plan's id is typed; without either it does not. Who is to be notified hears that a window waits.
 */
export async function askAtGate(
  terminal: Terminal,
  sink: Sink,
  plan: { readonly id: string },
  gate: Gate,
  window: number | undefined,
): Promise<Answer> {
  const { phase, moves, openSince, expectedWindowSeconds: expected } = gate;
  if (window !== undefined && expected <= window) return 'open';
  sink({ type: 'waiting', phase, expectedWindowSeconds: expected });
  if (window !== undefined || !terminal.interactive) return 'stay';
  const since = openSince === undefined ? '' : ` The window is open since ${openSince}.`;
  // Those of a maintenance are called SHARE@NODE.
  const names = moves.map((move) => move.replace(/@.*/, ''));
  const text = `Now the downtime of ${names.join(', ')}, likely about ${duration(expected)}.${since}`;
  terminal.err.write(terminal.talk.warn(`\n${text}\n`));
  const answer = await terminal.ask(
    `Type the plan's id, ${plan.id}, to open the window; anything else stays here: `,
  );
  return answer === plan.id ? 'open' : 'stay';
}
