import type { Event } from '../../apply/events.ts';
import { bytes, duration } from '../../plan/render/words.ts';

/** `4,210/6,214 entries  120/310 MB  38 MB/s  about 5 s`: only what is known; no total is made up. */
export function progressText(progress: Extract<Event, { type: 'progress' }>): string {
  const parts: string[] = [];
  const { files, bytes: size, bytesPerSecond } = progress;
  if (files.done > 0 || files.total !== undefined) {
    const of = files.total === undefined ? '' : `/${files.total.toLocaleString('en-US')}`;
    parts.push(`${files.done.toLocaleString('en-US')}${of} entries`);
  }
  if (size.done > 0 || size.total !== undefined) {
    parts.push(size.total === undefined ? bytes(size.done) : `${bytes(size.done)} of ${bytes(size.total)}`);
  }
  if (bytesPerSecond !== undefined && bytesPerSecond > 0) {
    parts.push(`${bytes(bytesPerSecond)}/s`);
    if (size.total !== undefined && size.total > size.done) {
      parts.push(`about ${duration((size.total - size.done) / bytesPerSecond)}`);
    }
  }
  return `${progress.what}  ${parts.join('  ')}`.trimEnd();
}
