import type { Amount, Sink } from '../../apply/events.ts';

/** Counts never go back and never pass their total, whatever a tool counted: rsync's own total grows while it looks. */
export function steady(sink: Sink): Sink {
  let last: { key: string; files: Amount; bytes: Amount } | undefined;
  return (event) => {
    if (event.type !== 'progress') return sink(event);
    const key = JSON.stringify([event.step, event.what]);
    const before = last?.key === key ? last : undefined;
    const files = onwards(event.files, before?.files);
    const bytes = onwards(event.bytes, before?.bytes);
    last = { key, files, bytes };
    sink({ ...event, files, bytes });
  };
}

function onwards(now: Amount, before: Amount | undefined): Amount {
  const done = Math.max(now.done, before?.done ?? 0);
  const total = now.total ?? before?.total;
  return total === undefined ? { done } : { done, total: Math.max(total, done) };
}
