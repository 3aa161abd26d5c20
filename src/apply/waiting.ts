import { count } from '../plan/render/words.ts';
import type { Event } from './events.ts';
import type { World } from './world.ts';

export type Answer = 'open' | 'stay';

/** Between two passes, in milliseconds; a pass that took long is followed by so many times as long a pause. */
const pauseMs = 60_000;
const pausePerPass = 10;

/**
 * Asks the operator, who may take hours, and carries what changes meanwhile again and again, so that the downtime finds
 * little to do. The question stands on the screen: until it is answered, only warnings are kept of what the passes tell. 'stay' gives up
 * the pass that runs; 'open' waits for its end.
 *
 * A pass that fails is tried again after the pause; the caller's own, after the answer, is the one that counts.
 * @param round makes one pass over each move in the world it is given; resolves to how many it made
 */
export async function whileAsked(
  ask: () => Promise<Answer>,
  round: (world: World) => Promise<number>,
  world: World,
): Promise<Answer> {
  const answered = new AbortController();
  const stays = new AbortController();
  const question = ask()
    .then((answer) => {
      if (answer === 'stay') stays.abort();
      return answer;
    })
    .finally(() => answered.abort());
  question.catch(() => stays.abort());
  const warnings = new Map<string, Event>();
  const silent: World = {
    ...world,
    sink: (event) => {
      if (answered.signal.aborted && !stays.signal.aborted) world.sink(event);
      else if (event.type === 'message' && event.level !== 'info') warnings.set(event.text, event);
    },
    stop: AbortSignal.any([world.stop, stays.signal]),
  };
  let passes = 0;
  let failed: unknown;
  for (let pause = pauseMs; ; ) {
    await world.sleep(pause, answered.signal);
    if (answered.signal.aborted || world.finish.aborted) break;
    const begun = world.now();
    try {
      passes += await round(silent);
      failed = undefined;
    } catch (error) {
      failed = error;
    }
    pause = Math.max(pauseMs, pausePerPass * (world.now() - begun));
  }
  const answer = await question;
  for (const warning of warnings.values()) world.sink(warning);
  const say = (level: 'info' | 'warning', text: string) => world.sink({ type: 'message', level, text });
  if (passes > 0)
    say(
      'info',
      `While the question waited, what had changed was carried: ${count(passes, 'pass', 'passes')}.`,
    );
  if (failed !== undefined && !stays.signal.aborted)
    say('warning', `The last pass while the question waited failed: ${(failed as Error).message}`);
  return answer;
}
