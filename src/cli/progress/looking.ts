import type { Looking } from '../../inspect/inspect.ts';
import { count, duration } from '../../plan/render/words.ts';
import type { Terminal } from '../terminal.ts';
import { shorten } from './width.ts';

/** Milliseconds between two drawings of the same look. */
const redrawAfter = 100;

/** One line on a terminal that says what an inspection looks at, and in the end how much that was. Nothing elsewhere. */
export async function whileLooking<T>(
  { err, talk, json }: Terminal,
  look: (looking: (at: Looking) => void) => Promise<T>,
): Promise<T> {
  if (err.isTTY !== true || json) return look(() => undefined);
  const begun = performance.now();
  const sources = new Map<string, number>();
  let shown = '';
  let drawn = -Infinity;
  let now: Looking = { what: 'the cluster' };
  const draw = () => {
    drawn = performance.now();
    shown = now.what;
    const entries = now.entries === undefined ? '' : `: ${count(now.entries, 'entry', 'entries')}`;
    const seconds = (drawn - begun) / 1000;
    const passed = seconds < 3 ? '' : `  ${duration(seconds)}`;
    const width = Math.max(20, (err.columns ?? 80) - 1);
    const tail = `${entries} ...${passed}`;
    err.write(`\r\x1b[K${talk.dim(`${shorten(`Looking at ${now.what}`, width - tail.length)}${tail}`)}`);
  };
  const timer = setInterval(draw, 1000).unref();
  try {
    const found = await look((at) => {
      now = at;
      if (at.entries !== undefined) sources.set(at.what, at.entries);
      if (at.what !== shown || performance.now() - drawn >= redrawAfter) draw();
    });
    const entries = [...sources.values()].reduce((sum, one) => sum + one, 0);
    const took = duration((performance.now() - begun) / 1000);
    err.write(
      `\r\x1b[K${talk.dim(`Looked at cluster, nodes, guests and sources: ${count(entries, 'entry', 'entries')}, ${took}.`)}\n`,
    );
    return found;
  } catch (error) {
    err.write('\r\x1b[K');
    throw error;
  } finally {
    clearInterval(timer);
  }
}
