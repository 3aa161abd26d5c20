import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Event } from '../../src/apply/events.ts';
import { openFaces } from '../../src/cli/faces.ts';
import type { Config } from '../../src/config/config.ts';
import { fakeTerminal } from './fake-terminal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-faces-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const none: Config = {
  file: 'drayage.yaml',
  cluster: {},
  ssh: {},
  nodes: {},
  wishes: {},
  guests: {},
  shares: {},
  moves: {},
  phases: [],
  finalize: { soakDays: 7 },
};
const events: readonly Event[] = [
  { type: 'run-started', run: 'r1', plan: 'p1', steps: 1 },
  { type: 'step-started', step: 's', stage: 'seed', title: 'Seed', number: 1, of: 1 },
  { type: 'progress', step: 's', what: 'rsync', files: { done: 9, total: 5 }, bytes: { done: 0 } },
  { type: 'progress', step: 's', what: 'rsync', files: { done: 3, total: 5 }, bytes: { done: 0 } },
  { type: 'window-opened', phase: 'main' },
  { type: 'step-finished', step: 's', outcome: 'done', seconds: 1 },
  { type: 'window-closed', phase: 'main', seconds: 3 },
];

test('everyone is told the same counts, and what goes wrong with one is a warning on the terminal', async () => {
  const file = join(folder, 'drayage.prom');
  const { terminal, texts } = fakeTerminal({ json: true });
  // Port 1 of this machine: nobody listens there.
  const notify = { kind: 'generic', url: 'http://127.0.0.1:1/secret-hook', stalledMinutes: 10 } as const;
  const faces = openFaces(terminal, { ...none, notify, metrics: { file } }, {});
  for (const event of events) faces.sink(event);
  await faces.close();
  const lines = texts.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.find(({ type }) => type === 'step-finished').counted).toEqual([
    { what: 'rsync', files: { done: 9, total: 9 }, bytes: { done: 0 } },
  ]);
  expect(readFileSync(file, 'utf8')).toContain('drayage_work_files{work="rsync"} 9\n');
  expect(lines.filter(({ type }) => type === 'message')).toMatchObject([
    { level: 'warning', text: expect.stringMatching(/^http:\/\/127\.0\.0\.1:1 did not take a message/) },
  ]);
  expect(texts.out).not.toContain('secret-hook');
}, 15_000);

test('who asks for neither messages nor metrics gets neither', async () => {
  const { terminal, texts } = fakeTerminal();
  const faces = openFaces(terminal, none, { DRAYAGE_NOTIFY_URL: 'http://127.0.0.1:1/a' });
  for (const event of events) faces.sink(event);
  await faces.close();
  expect(texts.err).toContain('1/1 + Seed  1.0 s  9 entries\n');
  expect(texts.err).not.toContain('127.0.0.1');
});
