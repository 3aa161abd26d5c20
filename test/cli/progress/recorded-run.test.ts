/** A whole run as its events came, and what a person saw of it. After a change that is meant: `vitest -u`, and read the diff. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import stringWidth from 'string-width';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Event } from '../../../src/apply/events.ts';
import { measured } from '../../../src/apply/measured.ts';
import { openProgress } from '../../../src/cli/progress/index.ts';
import { plainProgress } from '../../../src/cli/progress/plain.ts';
import { fakeTerminal } from '../fake-terminal.ts';

const folder = join(import.meta.dirname, 'recorded');
/** As `drayage apply --json` prints them: each with its time. */
const events = readFileSync(join(folder, 'run.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Event & { time: string });
const begun = Date.parse(events[0]?.time ?? '');

beforeEach(() => void vi.useFakeTimers({ now: begun }));
afterEach(() => void vi.useRealTimers());

/** Gives the events to a sink when their time has come. */
function play(sink: (event: Event) => void): void {
  for (const { time, ...event } of events) {
    vi.advanceTimersByTime(Date.parse(time) - Date.now());
    sink(event as Event);
  }
}

const clock = () => `${((Date.now() - begun) / 1000).toFixed(0).padStart(4)} s`;

test('on a terminal of 80 columns', async () => {
  const { terminal, texts } = fakeTerminal({ isTTY: true, columns: 80 });
  const frames: string[] = [];
  const write = terminal.err.write.bind(terminal.err);
  // What the terminal's last line holds after each write; a line that stays has no time.
  terminal.err.write = (text: string | Uint8Array) => {
    write(text as string);
    const line = String(text);
    const live = line.startsWith('\r\x1b[K') ? line.slice(4) : undefined;
    if (live === undefined) frames.push(`        | ${line.trimEnd()}`);
    else if (live !== '') frames.push(`${clock()}  ~ ${live}`);
    return true;
  };
  play(measured(openProgress(terminal)));
  for (const line of frames.filter((frame) => frame.includes('  ~ ')))
    expect(stringWidth(line.slice('   0 s  ~ '.length))).toBeLessThan(80);
  // One picture in ten seconds is enough to see the line move.
  const seen = new Set<string>();
  const picture = frames.filter((frame) => {
    if (!frame.includes('  ~ ')) return true;
    const key = `${Math.floor(Number.parseInt(frame, 10) / 10)} ${frame.slice(10, 30)}`;
    const first = !seen.has(key);
    seen.add(key);
    return first;
  });
  await expect(`${picture.join('\n')}\n`).toMatchFileSnapshot(join(folder, 'terminal.txt'));
  expect(texts.out).toBe('');
});

test('in a log', async () => {
  const { terminal, texts } = fakeTerminal();
  play(measured(plainProgress(terminal)));
  await expect(texts.err).toMatchFileSnapshot(join(folder, 'log.txt'));
});

test('with --json, each event as it is, with rates and the time left in it', async () => {
  const { terminal, texts } = fakeTerminal({ json: true });
  play(measured(openProgress(terminal)));
  const lines = texts.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(events.length);
  for (const [index, line] of lines.entries()) expect(line).toMatchObject(events[index] as object);
  const told = lines.filter(({ type, step }) => type === 'progress' && step === 'seed docker');
  await expect(`${told.map((line) => JSON.stringify(line)).join('\n')}\n`).toMatchFileSnapshot(
    join(folder, 'progress.jsonl'),
  );
});
