import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { whileLooking } from '../../../src/cli/progress/looking.ts';
import type { Looking } from '../../../src/inspect/inspect.ts';
import { fakeTerminal } from '../fake-terminal.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What stood on the line, one after the other. */
const drawn = (text: string) => text.split('\r\x1b[K').slice(1);

test('the line says what is looked at, with the entries so far and the time, and at the end how much it was', async () => {
  const { terminal, texts } = fakeTerminal({ isTTY: true, columns: 60 });
  const found = await whileLooking(terminal, async (looking: (at: Looking) => void) => {
    looking({ what: 'the cluster' });
    looking({ what: 'guest doc1' });
    looking({ what: '/mnt/docker on doc1', entries: 1 });
    for (let i = 2; i < 1000; i += 1) looking({ what: '/mnt/docker on doc1', entries: i });
    vi.advanceTimersByTime(4000);
    looking({ what: '/mnt/docker on doc1', entries: 34_000 });
    looking({ what: `/mnt/${'long/'.repeat(20)} on doc1`, entries: 34_000 });
    return 'findings';
  });
  expect(found).toBe('findings');
  expect(drawn(texts.err)).toEqual([
    'Looking at the cluster ...',
    'Looking at guest doc1 ...',
    'Looking at /mnt/docker on doc1: 1 entry ...',
    'Looking at /mnt/docker on doc1: 999 entries ...',
    'Looking at /mnt/docker on doc1: 999 entries ...',
    'Looking at /mnt/docker on doc1: 999 entries ...  3 s',
    'Looking at /mnt/docker on doc1: 999 entries ...  4 s',
    'Looking at /mnt/long/long/long/...: 34,000 entries ...  4 s',
    'Looked at cluster, nodes, guests and sources: 68,000 entries, 4 s.\n',
  ]);
});

test('a look that fails leaves an empty line for the error, and no timer', async () => {
  const { terminal, texts } = fakeTerminal({ isTTY: true });
  const ended = whileLooking(terminal, async () => {
    throw new Error('no cluster');
  });
  await expect(ended).rejects.toThrow('no cluster');
  expect(drawn(texts.err).at(-1)).toBe('');
  expect(vi.getTimerCount()).toBe(0);
});

test.each([{ isTTY: false }, { isTTY: true, json: true }])(
  'without a terminal nothing is drawn: %j',
  async (how) => {
    const { terminal, texts } = fakeTerminal(how);
    await whileLooking(terminal, async (looking) => looking({ what: 'the cluster' }));
    expect(texts).toEqual({ out: '', err: '' });
  },
);
